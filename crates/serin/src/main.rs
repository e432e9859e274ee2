mod cache;
mod clock;
mod error;
#[cfg(test)]
mod fake_api;
mod lease;
mod watch;

fn main() {}
