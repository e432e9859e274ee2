//! The other ends of the queues: what a demonstration and the tests need to see what the worker did.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use lapin::Connection;
use lapin::options::{BasicAckOptions, BasicGetOptions};

use crate::broker::{self, Access, Publisher, answer, plain};

/// Where the broker is. The worker reads this from its labels; the tools are told.
#[derive(Clone, Debug, clap::Args)]
pub struct Target {
    #[arg(long, default_value = "localhost")]
    host: String,
    #[arg(long, default_value_t = 5672)]
    port: u16,
    #[command(flatten)]
    access: Access,
}

impl Target {
    async fn connect(&self, name: &str) -> anyhow::Result<Connection> {
        broker::connect(&self.access, &self.host, self.port, name).await
    }
}

#[derive(Debug, clap::Args)]
pub struct Produce {
    #[command(flatten)]
    target: Target,
    /// The queue; created, durable, if it is not there.
    #[arg(long)]
    queue: String,
    /// The number of the first message.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many messages.
    #[arg(long, default_value_t = 1)]
    count: u64,
    /// Messages in a second; 0 is as fast as the broker takes them.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
}

/// Publishes messages whose text is their number. When it returns the broker has stored them all.
pub async fn produce(args: &Produce) -> anyhow::Result<()> {
    /// So many may be on their way. Waiting for each alone costs a write to disk for each.
    const UNCONFIRMED: usize = 100;
    if !args.rate.is_finite() || args.rate < 0.0 {
        bail!("--rate {}: not a number of messages in a second", args.rate);
    }
    let connection = args.target.connect("queue-worker produce").await?;
    let publisher = Publisher::open(&connection, &args.queue).await?;
    let began = tokio::time::Instant::now();
    let mut unconfirmed = FuturesOrdered::new();
    let mut stored = 0;
    let what_was_stored = |stored: u64| format!("{stored} of {} messages are stored", args.count);
    for n in 0..args.count {
        if args.rate > 0.0 {
            // By the clock and not by a pause after each: the rate is then kept also when the broker hesitates.
            tokio::time::sleep_until(began + Duration::from_secs_f64(n as f64 / args.rate)).await;
        }
        let number = (args.from + n).to_string();
        let sent = publisher.send(number.as_bytes(), "text/plain").await;
        unconfirmed.push_back(broker::confirmed(sent.with_context(|| what_was_stored(stored))?));
        while unconfirmed.len() >= UNCONFIRMED {
            if let Some(confirmed) = unconfirmed.next().await {
                confirmed.with_context(|| what_was_stored(stored))?;
                stored += 1;
            }
        }
    }
    while let Some(confirmed) = unconfirmed.next().await {
        confirmed.with_context(|| what_was_stored(stored))?;
        stored += 1;
    }
    broker::disconnect(&connection).await;
    eprintln!("{} to {}", what_was_stored(stored), args.queue);
    Ok(())
}

#[derive(Debug, clap::Args)]
pub struct Receipts {
    #[command(flatten)]
    target: Target,
    #[arg(long, env = "RECEIPTS_QUEUE", default_value = "receipts")]
    queue: String,
    /// Take them out of the queue. Otherwise they go back.
    #[arg(long)]
    drain: bool,
}

/// Prints the receipts that are there, one to a line.
pub async fn receipts(args: &Receipts) -> anyhow::Result<()> {
    let connection = args.target.connect("queue-worker receipts").await?;
    // No queue: no receipt was ever written.
    if broker::find(&connection, &args.queue).await?.is_some() {
        let channel = answer("open a channel", connection.create_channel()).await?;
        let mut out = std::io::stdout().lock();
        loop {
            let next = channel.basic_get(broker::name(&args.queue)?, BasicGetOptions::default());
            let Some(receipt) = answer("get a receipt", next).await? else { break };
            out.write_all(&receipt.data)?;
            out.write_all(b"\n")?;
            if args.drain {
                // Printed first: what is acknowledged exists nowhere else.
                out.flush()?;
                receipt.ack(BasicAckOptions::default()).await.map_err(plain)?;
            }
        }
        // What was not acknowledged returns to the queue with this.
        answer("close the channel", channel.close(200, "OK".into())).await?;
    }
    broker::disconnect(&connection).await;
    Ok(())
}

#[derive(Debug, clap::Args)]
pub struct Depth {
    #[command(flatten)]
    target: Target,
    #[arg(long)]
    queue: String,
}

/// Prints how many messages wait in a queue. Those that a worker has in hand are not among them.
pub async fn depth(args: &Depth) -> anyhow::Result<()> {
    let connection = args.target.connect("queue-worker depth").await?;
    let Some(queue) = broker::find(&connection, &args.queue).await? else {
        bail!("there is no queue {}", args.queue);
    };
    println!("{}", queue.message_count());
    broker::disconnect(&connection).await;
    Ok(())
}
