use std::env;
use std::process::Stdio;
use std::time::{Duration, Instant};

use testcontainers::core::{ContainerPort, IntoContainerPort};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt, TestcontainersError};
use url::Url;

use crate::error::{Error, Kind};
use crate::local::last_lines;
use crate::names;
use crate::server::{Origin, SETTINGS, Started};
use crate::sql;
use crate::watcher::Watcher;

/// Another image than `postgres:17`, such as `postgres:15`.
const VARIABLE: &str = "OUTPUT_PORT_USAGE_POSTGRES_IMAGE";

/// `$1` is the container's name, known before the container is.
///
/// If we ended while the container was being made, the daemon may finish making it after the first removal,
/// hence the further tries.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
remove() {
    if command -v docker >/dev/null
    then docker rm --force --volumes "$1"
    else
        socket=/var/run/docker.sock
        case ${DOCKER_HOST-} in unix://*) socket=${DOCKER_HOST#unix://} ;; esac
        curl --silent --unix-socket "$socket" -X DELETE "http://localhost/containers/$1?force=true&v=true"
    fi
}
told=$(cat)
remove "$1"
if [ "$told" != settled ]
then
    for pause in 1 2 4
    do
        sleep "$pause"
        remove "$1"
    done
fi
"#;

const PORT: u16 = 5432;
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a container; a local image is not pulled.
pub(crate) async fn start() -> Result<Started, Error> {
    if !in_path("docker") && !in_path("curl") {
        return Err(Kind::NoRemover.into());
    }
    let image = env::var(VARIABLE).ok().filter(|image| !image.is_empty()).unwrap_or("postgres:17".to_owned());
    let name = names::owner();
    let mut watcher = Watcher::start(SCRIPT, [name], None, Stdio::null(), Stdio::null())
        .map_err(|source| Kind::Prepare { source })?;
    let outcome = start_container(&image, name).await;
    // The daemon has answered, so the first removal finds whatever there is.
    watcher.tell("settled").map_err(|source| Kind::Prepare { source })?;
    let admin = outcome?;
    let origin = Origin::Docker { image, container: name.to_owned() };
    Ok(Started { admin, origin, watcher: Some(watcher) })
}

async fn start_container(image: &str, name: &str) -> Result<Url, Error> {
    let failed = |source| Kind::Docker { image: image.to_owned(), source };
    // The port is open to the network that the daemon serves, so it needs a password.
    let password = format!("{:016x}{:016x}", names::random(), names::random());
    let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
    let (repository, tag) = repository_and_tag(image);
    let container = GenericImage::new(repository, tag)
        .with_exposed_port(PORT.tcp())
        .with_container_name(name)
        .with_env_var("POSTGRES_PASSWORD", &password)
        .with_cmd(["postgres"].into_iter().chain(settings))
        .start()
        .await
        .map_err(failed)?;
    let admin = address(&container, &password).await.map_err(failed)?;
    let admin = Url::parse(&admin).map_err(|source| Kind::UrlInvalid { source: Some(source) })?;
    let ready = wait_until_ready(&admin).await;
    let log = match ready {
        Ok(()) => Vec::new(),
        Err(_) => container.stderr_to_vec().await.unwrap_or_default(),
    };
    // The watcher removes it: dropping it here would, too early.
    std::mem::forget(container);
    ready.map(|()| admin).map_err(|failure| {
        let log = last_lines(&String::from_utf8_lossy(&log));
        Kind::DockerSilent { image: image.to_owned(), failure, log }.into()
    })
}

async fn address(
    container: &ContainerAsync<GenericImage>,
    password: &str,
) -> Result<String, TestcontainersError> {
    let port = container.get_host_port_ipv4(ContainerPort::Tcp(PORT)).await?;
    let host = match container.get_host().await?.to_string() {
        // The mapped port is IPv4's, and localhost may be ::1 first.
        host if host == "localhost" => "127.0.0.1".to_owned(),
        host => host,
    };
    Ok(format!("postgres://postgres:{password}@{host}:{port}/postgres"))
}

/// While it sets itself up, the image's server listens on no port, so the first answer is the real one.
///
/// Docker's proxy may accept a connection that then hangs: each try has an end of its own.
async fn wait_until_ready(admin: &Url) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let connect = sql::connect_as(admin, names::owner());
        let failure = match tokio::time::timeout(Duration::from_secs(2), connect).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        if Instant::now() > deadline {
            return Err(failure);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// `host:5000/postgres` has a port and no tag.
fn repository_and_tag(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (image, "latest"),
    }
}

fn in_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}
