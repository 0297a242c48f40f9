//! The raw client of these tests.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf};

use super::case::Case;
use super::trial::Fault;

/// Sends the upload as a client does, and reads the answer: its status and body, if it came whole.
pub async fn upload(line: DuplexStream, case: &Case, fault: Fault) -> Option<(u16, String)> {
    let gone = fault.gone;
    let (reader, mut writer) = tokio::io::split(line);
    let mut answers = Answers { reader, bytes: Vec::new() };
    let (head, body) = (case.head(), case.body());
    let bytes = gone.map(|gone| gone.after).or(fault.stalls_after).unwrap_or(usize::MAX);
    let some = bytes.min(head.len());
    writer.write_all(&head[..some]).await.ok()?;
    if gone.is_some() && bytes <= head.len() {
        return None;
    }
    if case.expect {
        let (status, body) = answers.next().await?;
        if status != 100 {
            return Some((status, body));
        }
    }
    let some = body.len().min(bytes.saturating_sub(head.len()));
    let mut sending = pin!(writer.write_all(&body[..some]));
    if gone.is_some() {
        let _ = sending.await;
        return None;
    }
    // A gate that has answered need not read on.
    let mut sent = false;
    let mut answering = pin!(answers.next());
    std::future::poll_fn(|cx| {
        if let Poll::Ready(told) = answering.as_mut().poll(cx) {
            return Poll::Ready(told);
        }
        sent = sent || sending.as_mut().poll(cx).is_ready();
        Poll::Pending
    })
    .await
}

/// What comes back on a client's connection.
struct Answers {
    reader: ReadHalf<DuplexStream>,
    bytes: Vec<u8>,
}

impl Answers {
    /// The next answer: its status and body, if it comes whole.
    async fn next(&mut self) -> Option<(u16, String)> {
        loop {
            if let Some((status, body, taken)) = parse(&self.bytes) {
                self.bytes.drain(..taken);
                return Some((status, body));
            }
            if self.reader.read_buf(&mut self.bytes).await.ok()? == 0 {
                return None;
            }
        }
    }
}

/// A whole answer, and how many bytes it takes. Those of these tests have a length, or no body.
fn parse(bytes: &[u8]) -> Option<(u16, String, usize)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let lower = head.to_ascii_lowercase();
    let declared = lower.split("\r\ncontent-length: ").nth(1).and_then(|v| v.lines().next());
    let length: usize = declared.map_or(Some(0), |digits| digits.parse().ok())?;
    Some((status, rest.get(..length)?.to_owned(), head.len() + 4 + length))
}
