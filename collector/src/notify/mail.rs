//! Messages as mails.

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls as Wire, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};

use super::address::Private;
use super::error::{SendError, no_tls, no_way};
use super::form::{headline, paragraphs, subject};
use super::sender::{Outcome, guard};
use super::{About, Message};
use crate::Sentence;
use crate::config::{Receiver, Tls};

/// As many alerts as one mail shows.
const MOST: usize = 100;

/// Hands a mail to the receiver's server.
pub(super) async fn send(
    receiver: &Receiver,
    password: Option<String>,
    ca: Option<String>,
    message: &Message,
    dashboard_url: &str,
) -> Outcome {
    let (host, port) = receiver.smtp_address().ok_or_else(|| {
        SendError::Unusable(Sentence::new(
            "the mail cannot be made: smtp is not host:port",
            "メールを作成できません: smtp を host:port の形で書いてください",
        ))
    })?;
    let mail = mail(receiver, message, dashboard_url).map_err(|error| unusable(&error))?;
    let addresses = guard(receiver).resolve(host, port).await.map_err(|error| match error.get_ref() {
        Some(inner) if let Some(private) = inner.downcast_ref::<Private>() => {
            SendError::Unusable(Sentence::of(private))
        }
        _ => SendError::Unreachable(Sentence::new(
            format!("{host} cannot be found: {error}"),
            format!("{host} が見つかりません: 「{error}」"),
        )),
    })?;
    let patience = receiver.timeout / u32::try_from(addresses.len()).unwrap_or(1).max(1);
    let mut outcome = Err(SendError::Unreachable(Sentence::new(
        format!("{host} has no address"),
        format!("{host} にアドレスがありません"),
    )));
    for address in addresses {
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(port)
            .timeout(Some(patience))
            .hello_name(ClientId::default())
            .tls(wire(receiver.tls, host, ca.clone())?);
        if !receiver.username.is_empty() {
            let password = password.clone().unwrap_or_default();
            transport = transport.credentials(Credentials::new(receiver.username.clone(), password));
        }
        let transport = transport.build();
        outcome = transport.send(mail.clone()).await.map(drop).map_err(|error| judge(&error));
        if let Err(SendError::Refused { code: 550..=553, .. }) = outcome {
            outcome = send_each(&transport, &mail).await;
        }
        // Another address of the same server may be reached, as that of IPv4 where it listens by nothing else.
        if !matches!(outcome, Err(SendError::Unreachable(_))) {
            break;
        }
    }
    outcome
}

fn unusable(error: &lettre::error::Error) -> SendError {
    SendError::Unusable(Sentence::new(
        format!("the mail cannot be made: {error}"),
        format!("メールを作成できません: 「{error}」"),
    ))
}

/// To each by itself, so that one whom the server does not take keeps nobody else from hearing of it.
async fn send_each(transport: &AsyncSmtpTransport<Tokio1Executor>, mail: &Mail) -> Outcome {
    let (from, text) = (mail.envelope().from().cloned(), mail.formatted());
    let (mut delivered, mut refused) = (0, Ok(()));
    for to in mail.envelope().to() {
        let envelope = Envelope::new(from.clone(), vec![to.clone()]);
        let envelope = envelope.map_err(|error| unusable(&error))?;
        match transport.send_raw(&envelope, &text).await.map_err(|error| judge(&error)) {
            Ok(_) => delivered += 1,
            Err(error @ SendError::Refused { later: None, .. }) => {
                tracing::warn!(%to, %error, "a mail about alerts is refused");
                refused = Err(error);
            }
            Err(error) => return Err(error),
        }
    }
    if delivered > 0 { Ok(()) } else { refused }
}

/// Certificates are for the server's name, whatever its address is.
fn wire(tls: Tls, host: &str, ca: Option<String>) -> Result<Wire, SendError> {
    if tls == Tls::None {
        return Ok(Wire::None);
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let unusable = |error: lettre::transport::smtp::Error| SendError::Unusable(no_tls(error));
    let mut parameters = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::Default);
    if let Some(pem) = ca {
        parameters = parameters.add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(unusable)?);
    }
    let parameters = parameters.build_rustls().map_err(unusable)?;
    Ok(if tls == Tls::Tls { Wire::Wrapper(parameters) } else { Wire::Required(parameters) })
}

fn mail(receiver: &Receiver, message: &Message, dashboard_url: &str) -> Result<Mail, lettre::error::Error> {
    let address = |text: &str| text.parse::<Mailbox>().map_err(|_| lettre::error::Error::MissingFrom);
    let from = address(&receiver.from)?;
    let id = format!("<{}@{}>", message.key, from.email.domain());
    let mut mail = Mail::builder().message_id(Some(id)).subject(subject(message, receiver.language)).from(from);
    for to in &receiver.to {
        mail = mail.to(address(to)?);
    }
    // So that nobody's holiday answers: RFC 3834.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mail = mail.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    let (plain, html) = bodies(receiver, message, dashboard_url);
    mail.multipart(MultiPart::alternative_plain_html(plain, html))
}

fn bodies(receiver: &Receiver, message: &Message, dashboard_url: &str) -> (String, String) {
    let mut plain = format!("{}\n", headline(message, receiver.language));
    let mut html = format!("<h1 style=\"font-size:1.2em\">{}</h1>", escaped(&headline(message, receiver.language)));
    for paragraph in paragraphs(message, receiver.language, MOST) {
        plain.push_str(&format!("\n{}\n{}\n", paragraph.title, paragraph.text));
        let text = escaped(&paragraph.text).replace('\n', "<br>");
        html.push_str(&format!("<h2 style=\"font-size:1em\">{}</h2><p>{text}</p>", escaped(&paragraph.title)));
        if let Some(alert) = paragraph.alert.filter(|alert| !alert.runbook_url.is_empty()) {
            plain.push_str(&format!("{}\n", alert.runbook_url));
            let url = escaped(&alert.runbook_url);
            html.push_str(&format!("<p><a href=\"{url}\">{url}</a></p>"));
        }
    }
    if !dashboard_url.is_empty() && message.about != About::Test {
        plain.push_str(&format!("\n{dashboard_url}/alerts\n"));
        let url = escaped(dashboard_url);
        html.push_str(&format!("<p><a href=\"{url}/alerts\">{url}/alerts</a></p>"));
    }
    (plain, html)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Mail servers say themselves what is for later: replies from 400 to 499, RFC 5321, 4.2.1.
fn judge(error: &lettre::transport::smtp::Error) -> SendError {
    let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    match error.status() {
        Some(code) => {
            let later = error.is_transient().then_some(None);
            SendError::Refused { code: u16::from(code), answer: cause, later }
        }
        None if error.is_client() => {
            SendError::Unusable(Sentence::new(cause.clone(), format!("メールを送信できません: 「{cause}」")))
        }
        None => SendError::Unreachable(no_way(cause)),
    }
}
