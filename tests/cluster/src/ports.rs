//! Free ports of this machine.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Result;

/// Ports that were free a moment ago. They are held together, so that all differ, and then let go for the
/// programs to bind; should somebody else be faster, the cluster is started again with others.
pub(crate) fn free<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
