//! A receiver that takes the specifications of remote write 1.0 and 2.0 at their word: whatever a
//! request lacks or has too much, it keeps as a complaint. Like Prometheus, it takes a request whole or
//! not at all. What it answers can be scripted.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::post;
use prost::Message;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::writing::Stored;

/// `prometheus.WriteRequest`, as <https://prometheus.io/docs/specs/prw/remote_write_spec/> has it.
#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries1>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries1 {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// `io.prometheus.write.v2.Request`, as <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>
/// has it.
#[derive(Clone, PartialEq, Message)]
struct Request2 {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<TimeSeries2>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries2 {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, optional, tag = "5")]
    metadata: Option<Metadata>,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(uint32, tag = "3")]
    help_ref: u32,
    #[prost(uint32, tag = "4")]
    unit_ref: u32,
}

/// One series of a request.
#[derive(Debug, Clone)]
pub struct Series {
    pub labels: Vec<(String, String)>,
    pub samples: Vec<(i64, f64)>,
    /// Type, help, unit: of 2.0 alone.
    pub metadata: Option<(i32, String, String)>,
}

/// A request that was understood.
#[derive(Debug, Clone)]
pub struct Received {
    pub at: Instant,
    pub headers: HeaderMap,
    pub series: Vec<Series>,
}

impl Received {
    pub fn samples(&self) -> usize {
        self.series.iter().map(|series| series.samples.len()).sum()
    }
}

/// What is answered instead of "taken".
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub text: String,
}

/// A status with a text.
pub fn reply(status: u16, text: &str) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        text: text.to_owned(),
    }
}

type Judge = Box<dyn FnMut(&Received) -> Option<Reply> + Send>;

/// What it knows and does.
#[derive(Default)]
struct Inner {
    /// Answers to the next requests, whatever is in them.
    script: VecDeque<Reply>,
    judge: Option<Judge>,
    /// Requests are never answered.
    hangs: bool,
    unanswered: usize,
    /// It is of 1.0, looks at no header, and takes 2.0 for an empty request.
    is_ignorant: bool,
    received: Vec<Received>,
    stored: Stored,
    last: BTreeMap<Vec<(String, String)>, i64>,
    complaints: Vec<String>,
}

/// A running receiver.
#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = router(&inner);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, inner }
    }

    /// One behind TLS, and the certificate of its authority.
    pub async fn start_with_tls() -> (Self, String) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = router(&inner);
        let (listener, certificate) = TlsListener::over(listener);
        tokio::spawn(async move { axum::serve(listener, router).await });
        (Self { address, inner }, certificate)
    }

    pub fn url(&self) -> String {
        format!("http://{}/write", self.address)
    }

    /// Of one with TLS.
    pub fn tls_url(&self) -> String {
        format!("https://localhost:{}/write", self.address.port())
    }

    /// The next requests are answered so.
    pub fn answers(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.lock().unwrap().script.extend(replies);
    }

    /// Every request is judged first.
    pub fn judges(&self, judge: impl FnMut(&Received) -> Option<Reply> + Send + 'static) {
        self.inner.lock().unwrap().judge = Some(Box::new(judge));
    }

    /// Requests are not answered, or are again.
    pub fn hangs(&self, hangs: bool) {
        self.inner.lock().unwrap().hangs = hangs;
    }

    /// How many came that will never be answered.
    pub fn unanswered(&self) -> usize {
        self.inner.lock().unwrap().unanswered
    }

    /// It is of 1.0 and careless.
    pub fn knows_only_1_0(&self) {
        self.inner.lock().unwrap().is_ignorant = true;
    }

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        self.inner.lock().unwrap().received.clone()
    }

    /// What it took.
    pub fn stored(&self) -> Stored {
        self.inner.lock().unwrap().stored.clone()
    }

    /// Fails with the first complaint.
    #[track_caller]
    pub fn has_no_complaint(&self) {
        let complaints = self.inner.lock().unwrap().complaints.clone();
        assert_eq!(complaints, [""; 0]);
    }
}

/// TLS with a certificate of its own for `localhost`.
struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    fn over(listener: TcpListener) -> (Self, String) {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let provider = rustls::crypto::ring::default_provider();
        let config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (Self { listener, acceptor }, certified.cert.pem())
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (connection, peer) = self.listener.accept().await.unwrap();
            // Whoever does not trust us goes away.
            if let Ok(stream) = self.acceptor.accept(connection).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What answers.
fn router(inner: &Arc<Mutex<Inner>>) -> Router {
    Router::new()
        .route("/write", post(write))
        .with_state(Arc::clone(inner))
}

async fn write(
    State(inner): State<Arc<Mutex<Inner>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let hangs = {
        let mut inner = inner.lock().unwrap();
        inner.unanswered += usize::from(inner.hangs);
        inner.hangs
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    let mut inner = inner.lock().unwrap();
    let is_2_0 = header(&headers, "x-prometheus-remote-write-version") == "2.0.0";
    if inner.is_ignorant && is_2_0 {
        return answer(&reply(204, ""));
    }
    let received = match understand(&headers, &body) {
        Ok(series) => Received {
            at: Instant::now(),
            headers,
            series,
        },
        Err(complaint) => {
            inner.complaints.push(complaint.clone());
            return answer(&reply(400, &complaint));
        }
    };
    let scripted = inner.script.pop_front();
    let judged = match (scripted, &mut inner.judge) {
        (None, Some(judge)) => judge(&received),
        (scripted, _) => scripted,
    };
    inner.received.push(received.clone());
    if let Some(reply) = judged.filter(|reply| reply.status != 204) {
        return answer(&reply);
    }
    let count = received.samples();
    inner.take(received.series);
    let mut taken = reply(204, "");
    if is_2_0 {
        for (what, count) in [("samples", count), ("histograms", 0), ("exemplars", 0)] {
            let name = match what {
                "samples" => "X-Prometheus-Remote-Write-Samples-Written",
                "histograms" => "X-Prometheus-Remote-Write-Histograms-Written",
                _ => "X-Prometheus-Remote-Write-Exemplars-Written",
            };
            taken.headers.push((name, count.to_string()));
        }
    }
    answer(&taken)
}

impl Inner {
    fn take(&mut self, series: Vec<Series>) {
        for Series {
            labels, samples, ..
        } in series
        {
            let last = self.last.entry(labels.clone()).or_insert(i64::MIN);
            let stored = self.stored.entry(labels.iter().cloned().collect());
            let stored = stored.or_default();
            for (time, value) in samples {
                if time <= *last {
                    let complaint = format!("{labels:?}: {time} came after {last}");
                    self.complaints.push(complaint);
                }
                *last = time;
                stored.insert(time, value);
            }
        }
    }
}

fn answer(reply: &Reply) -> Response<Body> {
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    response.body(reply.text.clone().into()).unwrap()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap_or_default())
}

/// The series of a request, or what is wrong with it.
fn understand(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Series>, String> {
    let kind = header(headers, "content-type");
    let version = header(headers, "x-prometheus-remote-write-version");
    if header(headers, "content-encoding") != "snappy" || header(headers, "user-agent").is_empty() {
        return Err(format!("headers: {headers:?}"));
    }
    let message = snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(|error| error.to_string())?;
    let series = match (kind, version) {
        ("application/x-protobuf", "0.1.0") => understand_1_0(&message)?,
        ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0") => {
            understand_2_0(&message)?
        }
        _ => return Err(format!("content type {kind:?} with version {version:?}")),
    };
    if series.is_empty() {
        return Err("an empty request".into());
    }
    let mut seen = HashSet::new();
    for series in &series {
        check(series)?;
        if !seen.insert(series.labels.clone()) {
            return Err(format!("{:?} is there twice", series.labels));
        }
    }
    Ok(series)
}

fn understand_1_0(message: &[u8]) -> Result<Vec<Series>, String> {
    let request = WriteRequest::decode(message).map_err(|error| error.to_string())?;
    let series = request.timeseries.into_iter().map(|series| Series {
        labels: series
            .labels
            .into_iter()
            .map(|label| (label.name, label.value))
            .collect(),
        samples: samples(&series.samples),
        metadata: None,
    });
    Ok(series.collect())
}

fn understand_2_0(message: &[u8]) -> Result<Vec<Series>, String> {
    let Request2 {
        symbols,
        timeseries,
    } = Request2::decode(message).map_err(|error| error.to_string())?;
    if symbols.first().map(String::as_str) != Some("") {
        return Err("the first symbol is not empty".into());
    }
    if symbols.iter().collect::<HashSet<_>>().len() != symbols.len() {
        return Err("a symbol is there twice".into());
    }
    let symbol = |reference: u32| {
        let symbol = symbols.get(reference as usize).cloned();
        symbol.ok_or_else(|| format!("no symbol {reference}"))
    };
    let understand = |series: TimeSeries2| {
        let (pairs, rest) = series.labels_refs.as_chunks::<2>();
        if !rest.is_empty() {
            return Err("a label without a value".to_owned());
        }
        let labels: Result<_, String> = pairs
            .iter()
            .map(|[name, value]| Ok((symbol(*name)?, symbol(*value)?)))
            .collect();
        let metadata = series.metadata.ok_or("no metadata")?;
        let texts = (symbol(metadata.help_ref)?, symbol(metadata.unit_ref)?);
        if !(1..=7).contains(&metadata.kind) {
            return Err(format!("no type: {metadata:?}"));
        }
        Ok(Series {
            labels: labels?,
            samples: samples(&series.samples),
            metadata: Some((metadata.kind, texts.0, texts.1)),
        })
    };
    timeseries.into_iter().map(understand).collect()
}

fn samples(samples: &[Sample]) -> Vec<(i64, f64)> {
    let sample = |sample: &Sample| (sample.timestamp, sample.value);
    samples.iter().map(sample).collect()
}

fn check(series: &Series) -> Result<(), String> {
    let labels = &series.labels;
    if !labels.is_sorted_by(|before, after| before.0 < after.0) {
        return Err(format!("labels out of order, or twice: {labels:?}"));
    }
    if labels
        .iter()
        .any(|(name, value)| name.is_empty() || value.is_empty())
    {
        return Err(format!("an empty label: {labels:?}"));
    }
    if !labels.iter().any(|(name, _)| name == "__name__") {
        return Err(format!("no name: {labels:?}"));
    }
    if series.samples.is_empty() {
        return Err(format!("no samples: {labels:?}"));
    }
    if !series
        .samples
        .is_sorted_by(|before, after| before.0 < after.0)
    {
        return Err(format!("samples out of order, or twice: {series:?}"));
    }
    Ok(())
}
