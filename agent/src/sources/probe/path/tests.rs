//! The path through real namespaces.
