mod cache;
mod watch;

fn main() {}
