//! Run many nodes in one thread with a network and disks that fail by a seed.
