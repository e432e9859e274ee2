//! A gateway on a real node: what becomes of requests is tried from `inside`.

use std::process::Command;

use crate::node::left_out;
use crate::world::PROGRAM;

mod inside;

#[test]
fn requests_go_where_routes_and_weights_say() {
    if left_out("requests_go_where_routes_and_weights_say") {
        return;
    }
    let mut run = Command::new(PROGRAM);
    run.args(["run", "--node", "--gateway", "--"]);
    // This very program again, with the tests that are left out otherwise.
    run.arg(std::env::current_exe().unwrap()).args(["gateway::inside::", "--ignored", "--nocapture"]);
    assert_eq!(run.status().unwrap().code(), Some(0));
}
