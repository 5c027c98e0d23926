//! What printers do over the network, from a real socket: refuse, cut short, redirect, never answer.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::super::super::said::{Said, Status};
use super::super::{Trouble, read};
use super::{Answer, ENUM};

const ENOUGH: Duration = Duration::from_secs(10);
const LITTLE: Duration = Duration::from_millis(200);

fn idle(status: u16) -> Vec<u8> {
    Answer::new(status)
        .numbers(ENUM, "printer-state", [3])
        .bytes()
}

fn ok(body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Gives one answer per connection, in turns; the questions it was asked.
async fn printer(answers: Vec<Vec<u8>>) -> (SocketAddr, JoinHandle<io::Result<Vec<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async move {
        let mut questions = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await?;
            questions.push(question(&mut stream).await?);
            stream.write_all(&answer).await?;
            stream.shutdown().await?;
        }
        Ok(questions)
    };
    (address, tokio::spawn(serve))
}

/// The body of one question.
async fn question(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    loop {
        let mut some = [0; 4_096];
        let length = stream.read(&mut some).await?;
        read.extend_from_slice(&some[..length]);
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap().parse().unwrap();
        let body = end + 4..end + 4 + length;
        if read.len() >= body.end {
            return Ok(read[body].to_vec());
        }
    }
}

/// Asks a printer with this one answer.
async fn ask(answer: Vec<u8>) -> Result<Said, Trouble> {
    let (address, _) = printer(vec![answer]).await;
    let mut said = Said::default();
    read(address, "/ipp/print", ENOUGH, &mut said)
        .await
        .map(|()| said)
}

async fn fails(answer: &[u8], code: &str) {
    let trouble = ask(answer.to_vec()).await.unwrap_err();
    let shown = String::from_utf8_lossy(answer);
    assert_eq!(trouble.code(), code, "{trouble:?} for {shown}");
}

#[tokio::test]
async fn a_printer_answers_in_one_piece_or_in_chunks() {
    let said = ask(ok(&idle(0))).await.unwrap();
    assert_eq!(said.status, Some(Status::Idle));
    let body = idle(0);
    let (one, two) = body.split_at(20);
    let mut chunked =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    for chunk in [one, two, &[]] {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    let said = ask(chunked).await.unwrap();
    assert_eq!(said.status, Some(Status::Idle));
    // Of old printers the end of the connection is the end of the answer.
    let until_closed = [b"HTTP/1.0 200 OK\r\n\r\n", body.as_slice()].concat();
    let said = ask(until_closed).await.unwrap();
    assert_eq!(said.status, Some(Status::Idle));
}

#[tokio::test]
async fn what_goes_wrong_has_the_word_of_all_protocols() {
    let head =
        |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into_bytes();
    fails(&head("401 Unauthorized"), "unauthorized").await;
    fails(&head("403 Forbidden"), "unauthorized").await;
    fails(&head("404 Not Found"), "failed").await;
    fails(&head("426 Upgrade Required"), "failed").await;
    fails(&head("301 Moved"), "failed").await;
    fails(&ok(&idle(0x0403)), "unauthorized").await;
    fails(&ok(&idle(0x0507)), "failed").await;
    fails(&ok(b"<html>Printer</html>"), "unreadable").await;
    fails(&ok(&[]), "unreadable").await;
    fails(b"220 printer FTP server\r\n", "unreadable").await;
    fails(b"", "unreadable").await;
    let whole = ok(&idle(0));
    fails(&whole[..whole.len() - 1], "unreadable").await;
    fails(&ok(&vec![1; 300_000]), "unreadable").await;
}

#[tokio::test]
async fn who_does_not_speak_one_version_is_asked_in_the_other() {
    let (address, asked) = printer(vec![ok(&idle(0x0503)), ok(&idle(0))]).await;
    let mut said = Said::default();
    read(address, "/ipp/print", ENOUGH, &mut said)
        .await
        .unwrap();
    let questions = asked.await.unwrap().unwrap();
    let versions: Vec<_> = questions.iter().map(|question| &question[..2]).collect();
    assert_eq!(versions, [[1, 1], [2, 0]]);
    let (address, _) = printer(vec![ok(&idle(0x0503)), ok(&idle(0x0503))]).await;
    let trouble = read(address, "/ipp/print", ENOUGH, &mut said)
        .await
        .unwrap_err();
    assert!(matches!(trouble, Trouble::Failed(0x0503)), "{trouble:?}");
}

#[tokio::test]
async fn who_refuses_to_be_asked_for_single_attributes_is_asked_for_all() {
    for refusal in [0x0400, 0x040b] {
        let (address, asked) = printer(vec![ok(&idle(refusal)), ok(&idle(0))]).await;
        let mut said = Said::default();
        read(address, "/ipp/print", ENOUGH, &mut said)
            .await
            .unwrap();
        let questions = asked.await.unwrap().unwrap();
        let is_picky =
            |question: &Vec<u8>| String::from_utf8_lossy(question).contains("requested-attributes");
        let picky: Vec<_> = questions.iter().map(is_picky).collect();
        assert_eq!(picky, [true, false]);
    }
}

#[tokio::test]
async fn nobody_there_is_told_from_nobody_answering() {
    let mut said = Said::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let silent = read(address, "/ipp/print", LITTLE, &mut said)
        .await
        .unwrap_err();
    assert_eq!(silent.code(), "timeout");
    // It stays the test's own, so that no other listens there.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = closed.local_addr().unwrap();
    let refused = read(address, "/ipp/print", ENOUGH, &mut said)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "refused");
    assert_eq!(said, Said::default());
}

#[tokio::test]
async fn an_answer_that_drips_takes_no_longer_than_it_may() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dripping = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        question(&mut stream).await?;
        loop {
            stream.write_all(b"H").await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        #[expect(unreachable_code, reason = "names the type of the error")]
        io::Result::Ok(())
    });
    let mut said = Said::default();
    let trouble = read(address, "/ipp/print", LITTLE, &mut said)
        .await
        .unwrap_err();
    assert_eq!(trouble.code(), "timeout");
    // And lets go of the printer.
    assert!(dripping.await.unwrap().is_err());
}
