//! Statements without what may be secret in them: numbers and texts become `?`, comments go.
//!
//! The syntax is <https://www.postgresql.org/docs/current/sql-syntax-lexical.html>. Where a text may
//! end at one of two places, by a setting of the session that ran it, all that follows is left out.

/// Characters of a statement that is shown whole.
pub(super) const LONGEST_TEXT: usize = 2_000;
/// Put for a literal.
const LITERAL: &str = "?";
/// Put for all that follows.
const CUT: char = '…';

/// The statement on one line with its literals replaced, at most `most` characters long. It may
/// have been cut anywhere before.
pub(super) fn without_literals(sql: &str, most: usize) -> String {
    let (mut text, mut rest) = (String::new(), sql);
    // One more than wanted, so that it is known whether there is more.
    while let Some(first) = rest.chars().next().filter(|_| text.chars().count() <= most) {
        let (put, length) = token(first, rest, text.chars().next_back());
        let Some(length) = length else {
            text.push_str(put);
            text.push(CUT);
            break;
        };
        // Whatever separates two words is one space.
        if put != " " || !(text.is_empty() || text.ends_with(' ')) {
            text.push_str(put);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    let text = text.trim_end();
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain([CUT]).collect()
}

/// What is put for the token that `rest` begins with, and its length in bytes; no length where its
/// end is not known.
fn token(first: char, rest: &str, before: Option<char>) -> (&str, Option<usize>) {
    match first {
        _ if first.is_whitespace() => (" ", Some(first.len_utf8())),
        '-' if rest.starts_with("--") => (" ", Some(rest.find('\n').unwrap_or(rest.len()))),
        '/' if rest.starts_with("/*") => (" ", Some(comment(rest))),
        '\'' => (LITERAL, text_length(rest, false)),
        '"' => match rest[1..].find('"') {
            Some(end) => (&rest[..end + 2], Some(end + 2)),
            None => ("", None),
        },
        '$' => match dollar_length(rest) {
            Some(length) => (LITERAL, length),
            // A parameter: $1
            None => word(rest),
        },
        '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit())
            && !before.is_some_and(|c| is_of_word(c) || c == '?') =>
        {
            (LITERAL, Some(number(rest)))
        }
        _ if first.is_ascii_digit() => (LITERAL, Some(number(rest))),
        _ if is_of_word(first) => match rest.strip_prefix(['e', 'E']) {
            Some(quoted) if quoted.starts_with('\'') => (LITERAL, text_length(quoted, true).map(|length| length + 1)),
            _ => word(rest),
        },
        _ => (&rest[..first.len_utf8()], Some(first.len_utf8())),
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn word(rest: &str) -> (&str, Option<usize>) {
    let length = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
    (&rest[..length], Some(length))
}

/// Also one with an exponent, in another base or with underscores.
fn number(rest: &str) -> usize {
    let mut before = ' ';
    let is_over = |c: char| {
        let is_sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
        before = c;
        !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || is_sign)
    };
    rest.find(is_over).unwrap_or(rest.len())
}

/// They lie within each other.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    while let Some(left) = rest.get(at..).filter(|left| !left.is_empty()) {
        let (change, length) = match left {
            _ if left.starts_with("/*") => (1, 2),
            _ if left.starts_with("*/") => (-1, 2),
            _ => (0, left.chars().next().map_or(1, char::len_utf8)),
        };
        at += length;
        depth = depth.saturating_add_signed(change);
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Of a text in quotes, with or without escapes by a backslash.
fn text_length(rest: &str, has_escapes: bool) -> Option<usize> {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' if has_escapes => drop(characters.next()),
            // Its end, or a quote in it, as standard_conforming_strings is.
            '\\' if characters.peek().is_some_and(|(_, next)| *next == '\'') => return None,
            '\'' if characters.next_if(|(_, next)| *next == '\'').is_none() => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Of a text between tags: `$$…$$`, `$tag$…$tag$`. The outer `None` where there is no tag.
fn dollar_length(rest: &str) -> Option<Option<usize>> {
    let end = rest[1..].find('$')? + 2;
    let (tag, inner) = rest.split_at(end);
    let name = &tag[1..end - 1];
    let is_tag =
        name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    is_tag.then(|| inner.find(tag).map(|length| end + length + tag.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn literals_are_replaced_and_nothing_else() {
        for (sql, shown) in [
            ("SELECT * FROM t1 WHERE a2 = $1", "SELECT * FROM t1 WHERE a2 = $1"),
            ("SELECT 1, -2.5e-3, .5, 0xFF, t.c5 FROM x", "SELECT ?, -?, ?, ?, t.c5 FROM x"),
            ("ALTER ROLE r PASSWORD 'it''s secret'", "ALTER ROLE r PASSWORD ?"),
            (r"SELECT E'it\'s', N'n', B'01' , U&'\0041'", "SELECT ?, N?, B? , U&?"),
            ("SELECT \"a 'b' 1\" FROM \"T\"", "SELECT \"a 'b' 1\" FROM \"T\""),
            ("SELECT data ? 'key' FROM t", "SELECT data ? ? FROM t"),
            ("DO $$ secret 'x' $$", "DO ?"),
            ("DO $a$ $$ secret $$ $a$ LANGUAGE x", "DO ? LANGUAGE x"),
            ("SELECT /* secret /* 1 */ 2 */ 3 -- secret\n  FROM\tx ", "SELECT ? FROM x"),
            ("SELECT 'secret", "SELECT ?…"),
            ("SELECT $$ secret", "SELECT ?…"),
            // Where a backslash is one, the text has ended; else it has not.
            (r"SELECT 'C:\', 'secret'", "SELECT ?…"),
            (r"SELECT 'it\'s', secret", "SELECT ?…"),
            (r"SELECT 'a\b', c", "SELECT ?, c"),
            ("SELECT 料理 FROM レシピ WHERE 名 = '秘密'", "SELECT 料理 FROM レシピ WHERE 名 = ?"),
        ] {
            assert_eq!(without_literals(sql, 200), shown, "{sql}");
        }
    }

    #[test]
    fn it_is_no_longer_than_wanted() {
        assert_eq!(without_literals("SELECT column FROM t", 20), "SELECT column FROM t");
        assert_eq!(without_literals("SELECT column FROM ta", 20), "SELECT column FROM …");
        assert_eq!(without_literals(&"あ".repeat(300), 200).chars().count(), 200);
    }

    proptest! {
        #[test]
        fn no_literal_is_shown_wherever_the_statement_is_cut(
            before in "[a-z(,=* \n]{0,10}", inner in r"[a-z0-9'\\$\-/*. ]{0,8}", kind in 0..4, cut in 0_usize..120,
        ) {
            let plain = inner.replace('\'', "''");
            let literal = match kind {
                0 => format!("'{plain}SECRET{plain}'"),
                1 => format!("E'{0}SECRET{0}'", inner.replace('\\', r"\\").replace('\'', r"\'")),
                2 => format!("$SQL$ {inner} SECRET $SQL$"),
                _ => format!("/* {} SECRET */", inner.replace(['/', '*'], "")),
            };
            let sql = format!("SELECT {before} {literal} , {literal} FROM t");
            let sql: String = sql.chars().take(cut).collect();
            prop_assert!(!without_literals(&sql, 200).contains("SECRET"), "{} {}", sql, without_literals(&sql, 200));
        }

        #[test]
        fn no_text_makes_it_panic(sql in r#"[a-zE0-9'"\\$\-/*.é\n ]{0,60}"#) {
            prop_assert!(without_literals(&sql, 20).chars().count() <= 20);
        }
    }
}
