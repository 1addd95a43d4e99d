//! Define what an engine decides and what it may ask of the node.
