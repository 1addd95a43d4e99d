//! Build and import blocks, choose the head, and tell others.
