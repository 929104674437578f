//! Until when a certificate is valid, which rustls checks of others' certificates and does not tell of one's own:
//! <https://www.rfc-editor.org/rfc/rfc5280#section-4.1>, in DER.

use jiff::Timestamp;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of the certificate's validity; `None` where it cannot be read.
pub(super) fn of(certificate: &[u8]) -> Option<Timestamp> {
    let mut certificate = content(&mut { certificate }, SEQUENCE)?;
    let mut signed = content(&mut certificate, SEQUENCE)?;
    let (tag, _) = next(&mut signed)?;
    // A version, unless it is the first; the number; then algorithm and issuer.
    for _ in 0..if tag == VERSION { 3 } else { 2 } {
        next(&mut signed)?;
    }
    let mut validity = content(&mut signed, SEQUENCE)?;
    next(&mut validity)?;
    let (tag, time) = next(&mut validity)?;
    let time = str::from_utf8(time).ok()?;
    let time = match tag {
        // Two digits of the year: 1950 to 2049.
        UTC_TIME => format!("{}{time}", if time.get(..2)? < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => time.to_owned(),
        _ => return None,
    };
    format!("{}T{}", time.get(..8)?, time.get(8..)?).parse().ok()
}

fn content<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    next(rest).and_then(|(found, content)| (found == tag).then_some(content))
}

/// Tag and content of the next element, which is taken off.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, length], after) = rest.split_first_chunk()?;
    let (length, after) = if length < 0x80 {
        (usize::from(length), after)
    } else {
        let (bytes, after) =
            after.split_at_checked(usize::from(length & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), after)
    };
    let (content, after) = after.split_at_checked(length)?;
    *rest = after;
    Some((tag, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82, length[0], length[1]], content].concat()
    }

    fn certificate(version: &[u8], tag: u8, time: &str) -> Vec<u8> {
        let validity = [element(UTC_TIME, b"260101000000Z"), element(tag, time.as_bytes())].concat();
        let (number, sequence) = (element(2, &[1]), element(SEQUENCE, &[0; 200]));
        let signed = [version, &number, &sequence, &sequence, &element(SEQUENCE, &validity), &sequence].concat();
        element(SEQUENCE, &[element(SEQUENCE, &signed), sequence].concat())
    }

    #[test]
    fn the_end_is_read_in_both_forms_of_time() {
        let version = element(VERSION, &element(2, &[2]));
        for (version, tag, time, until) in [
            (&version[..], UTC_TIME, "271231235959Z", "2027-12-31T23:59:59Z"),
            (&[], UTC_TIME, "491231235959Z", "2049-12-31T23:59:59Z"),
            (&version, UTC_TIME, "500101000000Z", "1950-01-01T00:00:00Z"),
            (&version, GENERALIZED_TIME, "20500101000000Z", "2050-01-01T00:00:00Z"),
        ] {
            assert_eq!(of(&certificate(version, tag, time)).unwrap().to_string(), until);
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let good = certificate(&[], UTC_TIME, "271231235959Z");
        for length in 0..good.len() - 1 {
            assert_eq!(of(&good[..length]), None, "{length}");
        }
        for time in ["", "nonsense", "271331235959Z", "27123123595"] {
            assert_eq!(of(&certificate(&[], UTC_TIME, time)), None, "{time}");
        }
        assert_eq!(of(&[SEQUENCE, 0xff, 1]), None);
    }
}
