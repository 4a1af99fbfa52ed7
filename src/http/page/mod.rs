//! Pages for people.

mod chart;
mod words;
