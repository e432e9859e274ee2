//! What takes minutes to show, so that it is asked for by name: `make proof-lag`.

mod lag;
