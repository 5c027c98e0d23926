//! Packets over loopback.
