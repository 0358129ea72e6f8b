//! A mail server that takes everything and keeps the subjects.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Takes mails for as long as the runtime runs.
#[derive(Debug, Clone)]
pub struct SmtpSink {
    /// Where it listens.
    pub address: SocketAddr,
    mails: Arc<Mutex<Mails>>,
}

#[derive(Debug, Default)]
struct Mails {
    subjects: Vec<String>,
    newest: Option<Instant>,
}

impl SmtpSink {
    /// Starts on a free port of this machine.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let sink = Self {
            address: listener.local_addr()?,
            mails: Arc::default(),
        };
        let mails = sink.mails.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, mails.clone()));
            }
        });
        Ok(sink)
    }

    /// Mails so far.
    pub fn n_mails(&self) -> usize {
        self.mails().subjects.len()
    }

    /// Subjects of mails, oldest first, but the first `n_skipped`.
    pub fn subjects(&self, n_skipped: usize) -> Vec<String> {
        self.mails().subjects[n_skipped..].to_vec()
    }

    /// When the newest mail came.
    pub fn newest(&self) -> Option<Instant> {
        self.mails().newest
    }

    fn mails(&self) -> std::sync::MutexGuard<'_, Mails> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn converse(stream: TcpStream, mails: Arc<Mutex<Mails>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        stream.write_all(answer).await?;
        match verb.as_str() {
            "DATA" => {
                let subject = subject(&mut stream).await?;
                let mut mails = mails.lock().unwrap_or_else(PoisonError::into_inner);
                mails.subjects.push(subject);
                mails.newest = Some(Instant::now());
            }
            "QUIT" => return Ok(()),
            _ => continue,
        }
        stream.write_all(b"250 taken\r\n").await?;
    }
}

/// Reads a mail to its end and returns its subject, unfolded.
async fn subject(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let (mut subject, mut is_head, mut is_subject) = (String::new(), true, false);
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if text == "." {
            return Ok(subject);
        }
        is_head &= !text.is_empty();
        is_subject = is_head && (text.starts_with("Subject:") || is_subject && text.starts_with(' '));
        if is_subject {
            subject += text.strip_prefix("Subject: ").unwrap_or(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mail_is_taken_and_its_subject_kept() {
        let sink = SmtpSink::start().await.unwrap();
        let mut stream = BufReader::new(TcpStream::connect(sink.address).await.unwrap());
        let script = [
            ("", "220"),
            ("EHLO us\r\n", "250"),
            ("MAIL FROM:<a@example.com>\r\n", "250"),
            ("RCPT TO:<b@example.com>\r\n", "250"),
            ("DATA\r\n", "354"),
            (
                "From: a\r\nSubject: one\r\n two\r\nTo: b\r\n\r\nSubject: no\r\n.\r\n",
                "250",
            ),
            ("QUIT\r\n", "221"),
        ];
        for (words, expected) in script {
            stream.write_all(words.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_line(&mut answer).await.unwrap();
            assert!(answer.starts_with(expected), "{words}: {answer}");
        }
        assert_eq!(sink.subjects(0), ["one two"]);
    }
}
