//! Routes of all kinds, somebody who edits them all the time, and what may change of them beside that.

mod canonical;
mod editor;
mod generate;
mod writer;

pub use canonical::{Pair, canonical, weights};
pub use editor::{Editor, Edits};
pub use generate::{Generated, any};
pub use writer::write_weights;
