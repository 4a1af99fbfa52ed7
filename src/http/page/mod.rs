//! Pages for people.

mod chart;
mod stack;
mod words;
