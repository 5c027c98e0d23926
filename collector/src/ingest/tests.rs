//! Durable intake against real queues on disk.
