//! Works on the queue that the labels name, and moves to another one when they change.
//!
//! What holds at any time: a message is begun only under the settings that were last read; it is acknowledged only
//! after it is done; and one that is not done goes back to the queue that it came from. So nothing is lost. It can come
//! twice: if the connection fails between the work and its acknowledgement, the broker delivers the message again,
//! marked as redelivered. That is "at least once", which no worker can better on its own. What must not happen twice has
//! to be recognised by the message's id where it happens.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, bail};
use backon::ExponentialBackoff;
use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tracing::{debug, info, warn};

use crate::broker::{self, Access, Publisher, answer, plain};
use crate::settings::Settings;
use crate::watch::Labels;

/// How far the consumer is, for `/` and `/readyz`.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// By which settings it takes messages at the moment.
    pub consuming: Option<Settings>,
    /// Why it takes none, if there is more to say than that it is on its way.
    pub problem: Option<String>,
    pub processed: u64,
}

/// What was done with one message. Written to a queue of its own, so that it can be checked from outside.
#[derive(Debug, Serialize, Deserialize)]
pub struct Receipt {
    pub message: String,
    pub queue: String,
    /// The role that was last read when the work began.
    pub role: String,
    pub redelivered: bool,
    pub version: String,
    pub pod: String,
}

/// Why the consumer does not go on as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interrupt {
    /// The process is to end.
    Stop,
    /// The labels say something else.
    NewSettings,
}

pub struct Worker {
    pub labels: watch::Receiver<Labels<Settings>>,
    pub stop: watch::Receiver<bool>,
    pub progress: watch::Sender<Progress>,
    /// The role whose queue it has begun to consume: what is acknowledged to Serin.
    pub taken_up: watch::Sender<Option<String>>,
    pub access: Access,
    pub prefetch: u16,
    /// The work, as far as this example has any.
    pub work: Duration,
    pub receipts: Option<String>,
    pub version: String,
    pub pod: String,
}

impl Worker {
    /// Returns when it is told to stop and the message in hand is done.
    pub async fn run(&self) {
        let mut waits = broker::waits();
        while let Some(settings) = self.settings().await {
            match self.connected(&settings, &mut waits).await {
                Ok(Interrupt::Stop) => break,
                Ok(Interrupt::NewSettings) => {}
                Err(error) => {
                    let wait = waits.next().unwrap_or(broker::LONGEST_WAIT);
                    warn!(error = format!("{error:#}"), ?wait, "not consuming; trying again");
                    self.idle(Some(format!("{error:#}")));
                    // New settings may name a broker that works.
                    tokio::time::timeout(wait, self.interrupt(&settings)).await.ok();
                }
            }
        }
        self.idle(Some("stopping".into()));
    }

    /// The settings that were last read; waits for the first ones. None when it is to stop.
    async fn settings(&self) -> Option<Settings> {
        let mut labels = self.labels.clone();
        let mut stop = self.stop.clone();
        if labels.borrow().settings.is_none() {
            // Not a reason to end: labels can be added to a pod, and then it goes on within milliseconds instead of
            // after the kubelet's next attempt to start it. Nor is there a role to assume.
            let problem = labels.borrow().problem.clone();
            warn!(problem, "no settings: waiting for labels");
            self.idle(problem);
        }
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => None,
            labels = labels.wait_for(|labels| labels.settings.is_some()) => labels.ok()?.settings.clone(),
        }
    }

    /// Waits until `mine` are not the settings any more, or the process is to end.
    async fn interrupt(&self, mine: &Settings) -> Interrupt {
        let mut labels = self.labels.clone();
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => Interrupt::Stop,
            _ = labels.wait_for(|labels| labels.settings.as_ref() != Some(mine)) => Interrupt::NewSettings,
        }
    }

    /// Consumes over one connection, which serves for as many roles as name the same broker.
    async fn connected(
        &self,
        settings: &Settings,
        waits: &mut ExponentialBackoff,
    ) -> anyhow::Result<Interrupt> {
        let (host, port) = (&settings.rabbit_host, settings.rabbit_port);
        let connection = tokio::select! {
            interrupt = self.interrupt(settings) => return Ok(interrupt),
            connection = broker::connect(&self.access, host, port, &self.pod) => connection?,
        };
        let receipts = match &self.receipts {
            Some(queue) => Some(Publisher::open(&connection, queue).await?),
            None => None,
        };
        let mut settings = settings.clone();
        loop {
            let interrupt = self.consume(&connection, receipts.as_ref(), &settings, waits).await?;
            let latest = self.labels.borrow().settings.clone();
            match latest {
                Some(new)
                    if interrupt == Interrupt::NewSettings
                        && (&new.rabbit_host, new.rabbit_port) == (host, port) =>
                {
                    settings = new;
                }
                _ => {
                    broker::disconnect(&connection).await;
                    return Ok(interrupt);
                }
            }
        }
    }

    /// Consumes from one queue until something else is to be done, and leaves nothing half done.
    async fn consume(
        &self,
        connection: &Connection,
        receipts: Option<&Publisher>,
        settings: &Settings,
        waits: &mut ExponentialBackoff,
    ) -> anyhow::Result<Interrupt> {
        let (channel, mut consumer) = self.take_up(connection, settings).await?;
        *waits = broker::waits();
        let interrupt = loop {
            let delivery = tokio::select! {
                // In this order: when there is both a message and a new role, the role comes first.
                biased;
                interrupt = self.interrupt(settings) => {
                    self.take_no_more(&channel, &consumer, interrupt).await?;
                    break interrupt;
                }
                delivery = consumer.next() => delivery.context("the broker has ended the consumer")?.map_err(plain)?,
            };
            let mut job = pin!(self.process(delivery, receipts, settings));
            tokio::select! {
                biased;
                interrupt = self.interrupt(settings) => {
                    self.take_no_more(&channel, &consumer, interrupt).await?;
                    job.await?;
                    break interrupt;
                }
                done = &mut job => done?,
            }
        };
        // What the broker had already sent beyond the message in hand goes back to its queue.
        while let Some(delivery) = consumer.next().await {
            give_back(delivery.map_err(plain)?).await?;
        }
        // The answer comes after everything that was sent before: from here on no acknowledgement is on its way.
        answer("close the channel", channel.close(200, "OK".into())).await?;
        Ok(interrupt)
    }

    async fn take_up(
        &self,
        connection: &Connection,
        settings: &Settings,
    ) -> anyhow::Result<(Channel, Consumer)> {
        let queue = &settings.rabbit_queue;
        broker::declare(connection, queue).await?;
        let channel = answer("open a channel", connection.create_channel()).await?;
        answer("set the prefetch", channel.basic_qos(self.prefetch, BasicQosOptions::default())).await?;
        let consumer = channel.basic_consume(
            broker::name(queue)?,
            // The name that `rabbitmqctl list_consumers` shows.
            broker::name(&self.pod)?,
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = answer(&format!("consume from {queue}"), consumer).await?;
        self.progress.send_modify(|progress| {
            progress.consuming = Some(settings.clone());
            progress.problem = None;
        });
        self.taken_up
            .send_if_modified(|role| role.replace(settings.role.clone()).as_ref() != Some(&settings.role));
        info!(role = settings.role, queue, "consuming");
        Ok((channel, consumer))
    }

    async fn take_no_more(
        &self,
        channel: &Channel,
        consumer: &Consumer,
        interrupt: Interrupt,
    ) -> anyhow::Result<()> {
        info!(queue = %consumer.queue(), why = ?interrupt, "taking no more messages");
        self.idle(None);
        answer("cancel", channel.basic_cancel(consumer.tag(), BasicCancelOptions::default())).await
    }

    /// Works on one message, tells what was done, and only then lets go of it.
    async fn process(
        &self,
        delivery: Delivery,
        receipts: Option<&Publisher>,
        settings: &Settings,
    ) -> anyhow::Result<()> {
        // Between the arrival of the message and this moment the labels may have changed: then it is not ours any more.
        let latest = self.labels.borrow().settings.clone();
        let Some(Settings { role, rabbit_queue, .. }) = latest.filter(|latest| latest == settings) else {
            return give_back(delivery).await;
        };
        let receipt = Receipt {
            message: String::from_utf8_lossy(&delivery.data).into_owned(),
            queue: rabbit_queue,
            role,
            redelivered: delivery.redelivered,
            version: self.version.clone(),
            pod: self.pod.clone(),
        };
        tokio::time::sleep(self.work).await;
        if let Some(receipts) = receipts {
            let sent = receipts.send(&serde_json::to_vec(&receipt)?, "application/json").await?;
            broker::confirmed(sent).await?;
        }
        if !delivery.ack(BasicAckOptions::default()).await.map_err(plain)? {
            bail!("message {} is done, but will be delivered again: its channel is gone", receipt.message);
        }
        self.progress.send_modify(|progress| progress.processed += 1);
        debug!(?receipt, "done");
        Ok(())
    }

    fn idle(&self, problem: Option<String>) {
        self.progress.send_modify(|progress| {
            progress.consuming = None;
            progress.problem = problem;
        });
    }
}

/// Back to its queue, for whoever consumes from that.
async fn give_back(delivery: Delivery) -> anyhow::Result<()> {
    delivery.nack(BasicNackOptions { requeue: true, multiple: false }).await.map_err(plain)?;
    Ok(())
}
