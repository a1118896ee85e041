//! A kubelet, as far as plugins know one.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lightd::device_plugin::SOCKET;
use lightd::device_plugin::v1beta1::device_plugin_client::DevicePluginClient;
use lightd::device_plugin::v1beta1::registration_server::{Registration, RegistrationServer};
use lightd::device_plugin::v1beta1::{
    AllocateRequest, AllocateResponse, ContainerAllocateRequest, DevicePluginOptions, Empty, ListAndWatchResponse,
    RegisterRequest,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

pub(crate) struct Kubelet {
    folder: PathBuf,
    requests: mpsc::UnboundedReceiver<RegisterRequest>,
    refusals: Arc<AtomicU32>,
    stop: oneshot::Sender<()>,
    client: Option<DevicePluginClient<Channel>>,
}

struct Register {
    requests: mpsc::UnboundedSender<RegisterRequest>,
    refusals: Arc<AtomicU32>,
}

#[tonic::async_trait]
impl Registration for Register {
    async fn register(&self, request: Request<RegisterRequest>) -> Result<Response<Empty>, Status> {
        let left = self.refusals.load(Ordering::Relaxed);
        if left > 0 {
            self.refusals.store(left - 1, Ordering::Relaxed);
            return Err(Status::unknown("the resource name is taken"));
        }
        // A test that has ended reads none.
        let _ = self.requests.send(request.into_inner());
        Ok(Response::new(Empty {}))
    }
}

impl Kubelet {
    /// Starts as the real one does: removes what is in the folder but its own checkpoint, then listens.
    pub(crate) fn start(folder: &Path) -> Self {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_socket()) {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        let listener = UnixListener::bind(folder.join("kubelet.sock")).unwrap();
        let (sender, requests) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let refusals = Arc::new(AtomicU32::new(0));
        let register = Register { requests: sender, refusals: Arc::clone(&refusals) };
        let server = Server::builder().add_service(RegistrationServer::new(register));
        tokio::spawn(async move {
            let lines = UnixListenerStream::new(listener);
            tokio::select! {
                result = server.serve_with_incoming(lines) => result.unwrap(),
                _ = stopped => {}
            }
        });
        Self { folder: folder.to_owned(), requests, refusals, stop, client: None }
    }

    /// Refuses so many registrations.
    pub(crate) fn refuse(&self, times: u32) {
        self.refusals.store(times, Ordering::Relaxed);
    }

    /// Waits for a registration, and calls back.
    pub(crate) async fn registered(&mut self) -> RegisterRequest {
        let request = in_time("a registration", self.requests.recv()).await.expect("a kubelet that serves");
        let path = self.folder.join(&request.endpoint);
        let channel = Endpoint::from_shared(format!("unix://{}", path.display())).unwrap().connect().await.unwrap();
        self.client = Some(DevicePluginClient::new(channel));
        request
    }

    fn plugin(&mut self) -> &mut DevicePluginClient<Channel> {
        self.client.as_mut().expect("a plugin has registered")
    }

    pub(crate) async fn options(&mut self) -> DevicePluginOptions {
        in_time("options", self.plugin().get_device_plugin_options(Empty {})).await.unwrap().into_inner()
    }

    pub(crate) async fn listen(&mut self) -> Streaming<ListAndWatchResponse> {
        in_time("a list", self.plugin().list_and_watch(Empty {})).await.unwrap().into_inner()
    }

    /// Asks for the devices of these containers.
    pub(crate) async fn allocate(&mut self, containers: &[&[&str]]) -> Result<AllocateResponse, Status> {
        let ids = |ids: &&[&str]| ids.iter().map(ToString::to_string).collect();
        let request = |container| ContainerAllocateRequest { devices_ids: ids(container) };
        let request = AllocateRequest { container_requests: containers.iter().map(request).collect() };
        in_time("an allocation", self.plugin().allocate(request)).await.map(Response::into_inner)
    }

    /// Calls what newer kubelets may, where a plugin says that it can.
    pub(crate) async fn call_what_is_not_there(&mut self) -> Status {
        let channel = Endpoint::from_shared(format!("unix://{}", self.folder.join(SOCKET).display())).unwrap();
        let mut grpc = tonic::client::Grpc::new(channel.connect().await.unwrap());
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<Empty, Empty>::default();
        let path = http::uri::PathAndQuery::from_static("/v1beta1.DevicePlugin/PreStartContainer");
        in_time("a refusal", grpc.unary(Request::new(Empty {}), path, codec)).await.unwrap_err()
    }

    /// Sends what is no HTTP/2, and none at all.
    pub(crate) async fn send_noise(&self) {
        for noise in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0xff; 5000], b""] {
            let mut stream = UnixStream::connect(self.folder.join(SOCKET)).await.unwrap();
            // It may be shown out before it has said all.
            let _ = stream.write_all(noise).await;
        }
    }

    /// Asks for the options as grpc-go does with a plain path: bytes that h2 by itself answers with RST_STREAM.
    pub(crate) async fn is_answered_as_an_old_one(&self) {
        let path = self.folder.join(SOCKET);
        let authority = path.as_os_str().as_encoded_bytes();
        let text = |text: &[u8]| [&[u8::try_from(text.len()).unwrap()], text].concat();
        let block = [
            &[0x83, 0x86, 0x44][..],
            &text(b"/v1beta1.DevicePlugin/GetDevicePluginOptions"),
            &[0x41],
            &text(authority),
            &[0x40],
            &text(b"content-type"),
            &text(b"application/grpc"),
            &[0x40],
            &text(b"te"),
            &text(b"trailers"),
        ]
        .concat();
        let length = u8::try_from(block.len()).unwrap();
        let mut stream = UnixStream::connect(&path).await.unwrap();
        // The preface and settings, a request, and its empty message, which ends it.
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        stream.write_all(&[&[0, 0, length, 1, 4, 0, 0, 0, 1], block.as_slice()].concat()).await.unwrap();
        stream.write_all(&[0, 0, 5, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]).await.unwrap();
        let answer = async {
            loop {
                let mut header = [0; 9];
                stream.read_exact(&mut header).await.unwrap();
                let mut payload = vec![0; usize::from(header[1]) << 8 | usize::from(header[2])];
                stream.read_exact(&mut payload).await.unwrap();
                if header[8] == 1 {
                    return header[3];
                }
            }
        };
        const HEADERS: u8 = 1;
        assert_eq!(in_time("an answer", answer).await, HEADERS);
    }

    /// Ends in order: its socket is gone.
    pub(crate) async fn stop(self) {
        let socket = self.folder.join("kubelet.sock");
        self.kill().await;
        std::fs::remove_file(socket).unwrap();
    }

    /// Ends at once: its socket stays.
    pub(crate) async fn kill(mut self) {
        self.stop.send(()).unwrap();
        drop(self.client);
        // Once nobody could send any more.
        while in_time("the kubelet's end", self.requests.recv()).await.is_some() {}
    }
}
