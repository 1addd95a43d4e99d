//! Wire the parts into one binary: configuration, command line, tasks and shutdown.
