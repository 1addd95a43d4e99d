//! One machine with both engines, against hosts that write down what they are asked.

mod background;
mod differential;
mod disk;
mod kept;
mod kit;
mod nesting;
mod same;
mod stack;
