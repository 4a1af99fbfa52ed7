mod schedule;
mod whole;
