//! A throw-away authority, the certificate that it gives this machine's own names, and TLS by it.
//!
//! The certificates are written here, field by field (RFC 5280): two of them, with one kind of key and
//! no request to read, need none of what a library for certificates brings. Both keys stay in memory;
//! what is written to a file is only the authority's certificate, which is no secret.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Longer than any emulator runs, and short enough for those who refuse certificates that live for years.
const LIFE: Duration = Duration::from_secs(365 * 24 * 3600);

/// Clocks may be a little apart.
const PAST: Duration = Duration::from_secs(24 * 3600);

/// TLS for one emulator.
pub(super) struct Tls {
    pub acceptor: TlsAcceptor,
    pub bundle: Bundle,
}

/// The authority's certificate in a folder of its own, which goes with it.
#[derive(Debug)]
pub(super) struct Bundle {
    folder: PathBuf,
    file: PathBuf,
}

impl Tls {
    /// Makes both certificates, and the file.
    pub fn new() -> io::Result<Self> {
        let authority = Signer::new()?;
        let root = authority.root()?;
        let own = Signer::new()?;
        let leaf = authority.leaf(&own)?;
        let key = own.pair.to_pkcs8v1().map_err(io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.as_ref().to_vec()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![CertificateDer::from(leaf)], key)
            })
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), bundle: Bundle::write(&pem(&root))? })
    }
}

impl Bundle {
    fn write(pem: &str) -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("nanobanana-{:016x}", fastrand::u64(..)));
        // It fails if the folder is there: nobody else has made it, or can write into it.
        let mut maker = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
        maker.create(&folder)?;
        let bundle = Bundle { file: folder.join("ca.pem"), folder };
        match std::fs::write(&bundle.file, pem) {
            Ok(()) => Ok(bundle),
            Err(error) => {
                bundle.remove();
                Err(error)
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.file
    }

    /// What cannot be removed stays for whoever cleans the folder of temporary files.
    pub fn remove(&self) {
        let _ = std::fs::remove_file(&self.file);
        let _ = std::fs::remove_dir(&self.folder);
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}

/// A key and the name of whom it belongs to.
struct Signer {
    pair: EcdsaKeyPair,
    name: Vec<u8>,
}

impl Signer {
    fn new() -> io::Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(io::Error::other)?;
        // A name of its own: several such authorities can stand in one file.
        let common = format!("nanobanana emulator {:016x}", fastrand::u64(..));
        let name = sequence(&[der(SET, &sequence(&[der(OID, COMMON_NAME), der(TEXT, common.as_bytes())]))]);
        Ok(Signer { pair, name })
    }

    /// What other certificates call this key by.
    fn key_id(&self) -> Vec<u8> {
        digest(&SHA256, self.pair.public_key().as_ref()).as_ref().iter().take(20).copied().collect()
    }

    /// The authority's own certificate: it may sign others that sign no others.
    fn root(&self) -> io::Result<Vec<u8>> {
        let basic = sequence(&[der(BOOLEAN, &[0xff]), der(INTEGER, &[0])]);
        self.certify(
            self,
            &[
                extension(BASIC_CONSTRAINTS, true, &basic),
                // To sign certificates and lists of revoked ones.
                extension(KEY_USAGE, true, &der(BITS, &[1, 0b0000_0110])),
                extension(KEY_ID, false, &der(BYTES, &self.key_id())),
            ],
        )
    }

    /// A server's certificate for all names of this machine.
    fn leaf(&self, of: &Signer) -> io::Result<Vec<u8>> {
        let names = sequence(&[
            der(DNS, b"localhost"),
            der(IP, &Ipv4Addr::LOCALHOST.octets()),
            der(IP, &Ipv6Addr::LOCALHOST.octets()),
        ]);
        self.certify(
            of,
            &[
                extension(BASIC_CONSTRAINTS, true, &sequence(&[])),
                // To sign a handshake.
                extension(KEY_USAGE, true, &der(BITS, &[7, 0b1000_0000])),
                extension(EXTENDED_KEY_USAGE, false, &sequence(&[der(OID, SERVER_AUTH)])),
                extension(ALTERNATIVE_NAMES, false, &names),
                extension(KEY_ID, false, &der(BYTES, &of.key_id())),
                extension(AUTHORITY_KEY_ID, false, &sequence(&[der(CONTEXT, &self.key_id())])),
            ],
        )
    }

    fn certify(&self, of: &Signer, extensions: &[Vec<u8>]) -> io::Result<Vec<u8>> {
        let now = SystemTime::now();
        let algorithm = sequence(&[der(OID, ECDSA_WITH_SHA256)]);
        let mut key = vec![0];
        key.extend_from_slice(of.pair.public_key().as_ref());
        // Positive, and not 0.
        let serial: [u8; 8] = (fastrand::u64(1 << 61..) >> 1).to_be_bytes();
        let told = sequence(&[
            // Version 3.
            der(CONTEXT_0, &der(INTEGER, &[2])),
            der(INTEGER, &serial),
            algorithm.clone(),
            self.name.clone(),
            sequence(&[time(now - PAST), time(now + LIFE)]),
            of.name.clone(),
            sequence(&[sequence(&[der(OID, EC_KEY), der(OID, P256)]), der(BITS, &key)]),
            der(CONTEXT_3, &sequence(extensions)),
        ]);
        let signature = self.pair.sign(&SystemRandom::new(), &told).map_err(io::Error::other)?;
        let mut signed = vec![0];
        signed.extend_from_slice(signature.as_ref());
        Ok(sequence(&[told, algorithm, der(BITS, &signed)]))
    }
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
/// Its first byte says how many of the last bits are not used.
const BITS: u8 = 0x03;
const BYTES: u8 = 0x04;
const OID: u8 = 0x06;
const TEXT: u8 = 0x0c;
/// With two digits of the year, until 2049.
const SHORT_TIME: u8 = 0x17;
const LONG_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_3: u8 = 0xa3;
/// A key's id among an authority's marks.
const CONTEXT: u8 = 0x80;
const DNS: u8 = 0x82;
const IP: u8 = 0x87;

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const KEY_ID: &[u8] = &[0x55, 29, 14];
const KEY_USAGE: &[u8] = &[0x55, 29, 15];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 29, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 29, 19];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 29, 35];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 29, 37];
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// A value of at most 65,535 bytes, with its tag and its length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let mut out = match (high, low) {
        (0, 0..0x80) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend_from_slice(content);
    out
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(SEQUENCE, &parts.concat())
}

fn extension(id: &[u8], is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if is_critical { der(BOOLEAN, &[0xff]) } else { Vec::new() };
    sequence(&[der(OID, id), critical, der(BYTES, value)])
}

fn time(at: SystemTime) -> Vec<u8> {
    let told = humantime::format_rfc3339_seconds(at).to_string();
    let mut text: String = told.chars().filter(char::is_ascii_digit).collect();
    text.push('Z');
    match text.split_at_checked(2) {
        Some((_, short)) if told.as_str() < "2050" => der(SHORT_TIME, short.as_bytes()),
        _ => der(LONG_TIME, text.as_bytes()),
    }
}
