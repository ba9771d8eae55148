//! What e-mail needs: a server, a sender, recipients.

use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, Section};
use crate::config::lint::Lint;
use crate::config::raw::settings as raw;
use crate::config::settings::{Email, ReceiverKind, SmtpSecurity};

use super::super::secret::Outside;
use super::is_loopback;

/// Recipients of one receiver: more belong in a mailing list.
const RECIPIENTS_MAX: usize = 50;

/// E-mail by SMTP.
pub(super) fn email(
    section: &Section<'_>,
    field: &Field<raw::Email>,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let (section, raw) = (&section.within(field, "email"), field.value()?);
    let host = section.required(&raw.host, "host").cloned();
    let host = host.filter(|host| is_host(section, &raw.host, host));
    let security = section.or(&raw.security, raw::SmtpSecurity::StartTls);
    let security = security.map(|security| match security {
        raw::SmtpSecurity::StartTls => SmtpSecurity::StartTls,
        raw::SmtpSecurity::Tls => SmtpSecurity::Tls,
        raw::SmtpSecurity::None => SmtpSecurity::None,
    });
    // Submission, submission over TLS and relay: RFC 8314 and RFC 5321.
    let usual = match security {
        Some(SmtpSecurity::Tls) => 465,
        Some(SmtpSecurity::None) => 25,
        Some(SmtpSecurity::StartTls) | None => 587,
    };
    let port = section.bounded(&raw.port, usual, 1, 65_535);
    let username = section.maybe(&raw.username);
    let password = outside.secret(section, &raw.password);
    if raw.password.is_absent() {
        section.needs(&raw.username, "username", "password");
    }
    if raw.username.is_absent() {
        section.needs(&raw.password, "password", "username");
    }
    let from = section.required(&raw.from, "from").cloned();
    let from = from.filter(|from| is_address(section, &raw.from, from));
    let to = recipients(section, &raw.to);
    let hello = section.maybe(&raw.hello).filter(|hello| {
        hello
            .as_ref()
            .is_none_or(|hello| is_host(section, &raw.hello, hello))
    });
    let credentials = username?.zip(password?);
    let host = host?;
    if credentials.is_some() && security == Some(SmtpSecurity::None) && !is_loopback(&host) {
        let mark = raw.security.mark_or(section.mark);
        let message = "the password would be sent in plain text";
        let fix = "write security: starttls or security: tls";
        section
            .report
            .lint(Lint::PlaintextSecret, mark, message, fix);
    }
    Some(ReceiverKind::Email(Email {
        host,
        port: u16::try_from(port?).ok()?,
        security: security?,
        credentials,
        from: from?,
        to: to?,
        hello: hello?,
    }))
}

fn recipients(section: &Section<'_>, field: &Field<Vec<Field<String>>>) -> Option<Vec<String>> {
    let written = section.required(field, "to")?;
    if !(1..=RECIPIENTS_MAX).contains(&written.len()) {
        let message = format!("there are {} recipients", written.len());
        section.refuse(field, message, format!("name 1 to {RECIPIENTS_MAX}"));
        return None;
    }
    let addresses: Vec<Option<String>> = written
        .iter()
        .map(|item| {
            item.value()
                .filter(|address| is_address(section, item, address))
                .cloned()
        })
        .collect();
    addresses.into_iter().collect()
}

fn is_address(section: &Section<'_>, field: &Field<String>, text: &str) -> bool {
    let one: Result<lettre::message::Mailbox, _> = text.parse();
    if one.is_err() || text.chars().any(char::is_control) {
        let message = format!("{:?} is not an e-mail address", excerpt(text));
        let fix = "write it like oncall@example.com or \"On call <oncall@example.com>\"";
        section.refuse(field, message, fix);
        return false;
    }
    true
}

/// A name or an address, without a scheme or port.
fn is_host(section: &Section<'_>, field: &Field<String>, text: &str) -> bool {
    let inner =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let is_name = !text.is_empty() && text.len() <= 253 && text.chars().all(inner);
    let has_port =
        text.parse::<std::net::IpAddr>().is_err() && text.contains(':') && !text.starts_with('[');
    if !is_name || has_port {
        let message = format!("{:?} is not the name of a host", excerpt(text));
        section.refuse(
            field,
            message,
            "write a name such as mail.example.com; the port is a key of its own",
        );
        return false;
    }
    true
}
