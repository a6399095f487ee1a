//! A text as others write it: with what is escaped undone, and where in the text each character came from.

use std::ops::Range;

/// The characters of a text, after some decoding, each with its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View(Vec<(char, Range<usize>)>);

/// What begins at a place of a view: the characters that it stands for, and how many of the view it takes.
type Unescape = fn(&View, usize) -> Option<(Vec<char>, usize)>;

impl View {
    pub(super) fn of(text: &str) -> Self {
        Self(text.char_indices().map(|(at, c)| (c, at..at + c.len_utf8())).collect())
    }

    /// The view by each way of decoding that changes it.
    pub(super) fn decoded(&self) -> impl Iterator<Item = Self> {
        let ways: [Unescape; 5] = [backslash, percent, form, entity, base64];
        let views = ways.map(|unescape| self.unescaped(unescape));
        views.into_iter().filter(move |view| view != self)
    }

    fn unescaped(&self, unescape: Unescape) -> Self {
        let (mut view, mut at) = (Vec::new(), 0);
        while at < self.0.len() {
            match unescape(self, at) {
                Some((chars, taken)) => {
                    let place = self.0[at].1.start..self.0[at + taken - 1].1.end;
                    view.extend(chars.into_iter().map(|c| (c, place.clone())));
                    at += taken;
                }
                None => {
                    view.push(self.0[at].clone());
                    at += 1;
                }
            }
        }
        Self(view)
    }

    /// Where `secret` stands, and where its beginning is cut off, in the text.
    pub(super) fn places(&self, secret: &str, shortest: usize) -> Vec<Range<usize>> {
        let secret: Vec<char> = secret.chars().collect();
        if secret.len() < shortest {
            return Vec::new();
        }
        let whole = |at: usize| self.is_at(at, &secret).then(|| self.place(at..at + secret.len()));
        let mut places: Vec<_> = (0..self.0.len()).filter_map(whole).collect();
        let is_cut = |at: &usize| *at == self.0.len() || self.is_at(*at, &['.', '.', '.']);
        for cut in (0..=self.0.len()).filter(is_cut) {
            // an escape may be cut in two
            let half = (1..6).find(|half| *half < cut && matches!(self.0[cut - half].0, '\\' | '%' | '&'));
            for end in [Some(cut), half.map(|half| cut - half)].into_iter().flatten() {
                let mut lengths = (shortest..secret.len()).rev().filter(|length| *length <= end);
                if let Some(length) = lengths.find(|length| self.is_at(end - length, &secret[..*length])) {
                    places.push(self.place(end - length..end));
                }
            }
        }
        places
    }

    /// Where the tokens of a login stand in the text: what is called one, and what looks like a signed one.
    pub(super) fn tokens(&self) -> Vec<Range<usize>> {
        let run = |at: usize, is_part: fn(char) -> bool| {
            self.0[at..].iter().take_while(|(c, _)| is_part(*c)).count()
        };
        let mut places = Vec::new();
        for at in 0..self.0.len() {
            if self.is_at_ignoring_case(at, "token") {
                let from = at + "token".len();
                let between = run(from, |c| matches!(c, '"' | '\'' | '\\' | ' ' | ':' | '='));
                let said = self.0[from..from + between].iter().any(|(c, _)| matches!(c, ':' | '='));
                let length = run(from + between, |c| c.is_ascii_alphanumeric() || "+/=_-.:~%".contains(c));
                if said && length >= 16 {
                    places.push(self.place(from + between..from + between + length));
                }
            }
            if self.is_at(at, &['e', 'y', 'J']) {
                let length = run(at, |c| c.is_ascii_alphanumeric() || "_-.".contains(c));
                if length >= 20 {
                    places.push(self.place(at..at + length));
                }
            }
        }
        places
    }

    fn char(&self, at: usize) -> Option<char> {
        self.0.get(at).map(|(c, _)| *c)
    }

    fn is_at(&self, at: usize, chars: &[char]) -> bool {
        self.0.get(at..at + chars.len()).is_some_and(|part| part.iter().map(|(c, _)| c).eq(chars))
    }

    fn is_at_ignoring_case(&self, at: usize, word: &str) -> bool {
        let part = self.0.get(at..at + word.len());
        part.is_some_and(|part| part.iter().map(|(c, _)| c.to_ascii_lowercase()).eq(word.chars()))
    }

    fn place(&self, chars: Range<usize>) -> Range<usize> {
        self.0[chars.start].1.start..self.0[chars.end - 1].1.end
    }

    /// The number that so many hexadecimal digits write.
    fn hex(&self, at: usize, digits: usize) -> Option<u32> {
        let part = self.0.get(at..at + digits).filter(|part| !part.is_empty())?;
        part.iter().try_fold(0_u32, |number, (c, _)| number.checked_mul(16)?.checked_add(c.to_digit(16)?))
    }
}

/// JSON's escapes, and Rust's.
fn backslash(view: &View, at: usize) -> Option<(Vec<char>, usize)> {
    if view.char(at)? != '\\' {
        return None;
    }
    let plain = |c| Some((vec![c], 2));
    match view.char(at + 1)? {
        c @ ('"' | '\'' | '\\' | '/') => plain(c),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        '0' => plain('\0'),
        'u' if view.char(at + 2) == Some('{') => {
            let digits = (0..=6).find(|digits| view.char(at + 3 + digits) == Some('}'))?;
            Some((vec![char::from_u32(view.hex(at + 3, digits)?)?], digits + 4))
        }
        'u' => {
            let unit = |at| view.hex(at, 4).and_then(|unit| u16::try_from(unit).ok());
            let first = unit(at + 2)?;
            let second = if view.is_at(at + 6, &['\\', 'u']) { unit(at + 8) } else { None };
            let pair = char::decode_utf16([first, second.unwrap_or(0)]).next()?;
            Some((vec![pair.ok()?], if (0xd800..0xdc00).contains(&first) { 12 } else { 6 }))
        }
        _ => None,
    }
}

/// The escapes of a URL.
fn percent(view: &View, at: usize) -> Option<(Vec<char>, usize)> {
    let byte = |at| if view.char(at) == Some('%') { view.hex(at + 1, 2)?.try_into().ok() } else { None };
    let first: u8 = byte(at)?;
    let length = match first {
        0..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    let bytes: Option<Vec<u8>> = (0..length).map(|n| byte(at + 3 * n)).collect();
    Some((String::from_utf8(bytes?).ok()?.chars().collect(), 3 * length))
}

/// Those of a form, where a plus is a space.
fn form(view: &View, at: usize) -> Option<(Vec<char>, usize)> {
    if view.char(at)? == '+' { Some((vec![' '], 1)) } else { percent(view, at) }
}

/// HTML's.
fn entity(view: &View, at: usize) -> Option<(Vec<char>, usize)> {
    if view.char(at)? != '&' {
        return None;
    }
    let length = (1..10).find(|length| view.char(at + length) == Some(';'))?;
    let name: String = view.0[at + 1..at + length].iter().map(|(c, _)| *c).collect();
    let number = |digits: &str, base| u32::from_str_radix(digits, base).ok().and_then(char::from_u32);
    let c = match name.as_str() {
        "quot" => '"',
        "apos" => '\'',
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        name => match name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")) {
            Some(digits) => number(digits, 16)?,
            None => number(name.strip_prefix('#')?, 10)?,
        },
    };
    Some((vec![c], length + 1))
}

/// A run of Base64, in either alphabet; what it holds stands for the whole run.
fn base64(view: &View, at: usize) -> Option<(Vec<char>, usize)> {
    let sextet = |c: char| match c {
        'A'..='Z' => Some(c as u32 - 'A' as u32),
        'a'..='z' => Some(c as u32 - 'a' as u32 + 26),
        '0'..='9' => Some(c as u32 - '0' as u32 + 52),
        '+' | '-' => Some(62),
        '/' | '_' => Some(63),
        _ => None,
    };
    let (mut bits, mut held, mut bytes, mut taken) = (0_u32, 0, Vec::new(), 0);
    while let Some(value) = view.char(at + taken).and_then(sextet) {
        (bits, held, taken) = (bits << 6 | value, held + 6, taken + 1);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    (taken >= 6).then(|| (String::from_utf8_lossy(&bytes).chars().collect(), taken))
}
