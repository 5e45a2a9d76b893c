//! The patterns: one automaton that proposes, and for each pattern who judges what it proposed.

use std::sync::LazyLock;

use regex_automata::meta::Regex;

/// Who judges a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judge {
    /// A credential that begins with the match, and goes on while these characters do.
    Token(Tail),
    /// A credential that is the last so many bytes of the match.
    Last(usize),
    /// A private key, of whose first line this is the beginning.
    PrivateKey,
    /// The password in an address: from the last colon to the `@`.
    Password,
    /// A host behind an `@`.
    Email,
    /// A telephone number behind a `+`.
    InternationalPhone,
    /// A signed web token, of whose head this is the beginning.
    WebToken,
    /// Groups of digits: a card, a social security number, a telephone number, an address.
    Digits,
    /// A telephone number whose area is in brackets.
    BracketedPhone,
    /// The beginning of a bank account.
    Iban,
    /// Groups of hexadecimal digits with colons between.
    Ipv6,
}

/// What a token goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Letters, digits, `-` and `_`.
    Url,
    /// These, and dots.
    Dotted,
    /// These, and what else base64 has.
    Base64,
    /// These, and slashes: the path of an address.
    Path,
}

/// In the order of precedence where two begin at the same byte. All are ASCII; a boundary is one of
/// ASCII words, so that a letter of another script next to a match doesn't hide it. What may be long
/// has no count, and none can begin within itself: one search never has to read far ahead again and
/// again.
const PATTERNS: &[(&str, Judge)] = &[
    (r"-----BEGIN ", Judge::PrivateKey),
    // Amazon: the id of a key, and a key behind its usual name.
    (
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
        Judge::Token(Tail::Url),
    ),
    (
        r#"(?i:aws_?secret_?(?:access_?)?key)["']?\s{0,4}[:=]\s{0,4}["']?[A-Za-z0-9/+]{40}"#,
        Judge::Last(40),
    ),
    // GitHub, GitLab.
    (r"\bgh[pousr]_[A-Za-z0-9]{36}", Judge::Token(Tail::Dotted)),
    (r"\bgithub_pat_[A-Za-z0-9_]{22}", Judge::Token(Tail::Url)),
    (
        r"\bgl(?:pat|rt|dt|ptt|agent|cbt|ft|imt|soat)-[A-Za-z0-9_-]{20}",
        Judge::Token(Tail::Dotted),
    ),
    // Slack.
    (
        r"\bxox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10}",
        Judge::Token(Tail::Url),
    ),
    (
        r"\bxapp-\d-[A-Z0-9]{5,16}-\d{5,16}-[a-f0-9]{16}",
        Judge::Token(Tail::Url),
    ),
    (
        r"\bhooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/]{20}",
        Judge::Token(Tail::Path),
    ),
    // Stripe.
    (
        r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16}",
        Judge::Token(Tail::Url),
    ),
    (r"\bwhsec_[A-Za-z0-9+/]{24}", Judge::Token(Tail::Base64)),
    // Google.
    (r"\bAIza[A-Za-z0-9_-]{35}", Judge::Token(Tail::Url)),
    (r"\bya29\.[A-Za-z0-9_-]{20}", Judge::Token(Tail::Dotted)),
    (r"\bGOCSPX-[A-Za-z0-9_-]{28}", Judge::Token(Tail::Url)),
    // Providers of models.
    (r"\bsk-ant-[A-Za-z0-9_-]{20}", Judge::Token(Tail::Url)),
    (
        r"\bsk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20}",
        Judge::Token(Tail::Url),
    ),
    (
        r"\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
        Judge::Token(Tail::Url),
    ),
    (r"\bsk-or-v1-[a-f0-9]{64}", Judge::Token(Tail::Url)),
    (r"\bhf_[A-Za-z]{34}", Judge::Token(Tail::Url)),
    (r"\bgsk_[A-Za-z0-9]{52}", Judge::Token(Tail::Url)),
    (r"\bxai-[A-Za-z0-9]{70}", Judge::Token(Tail::Url)),
    // Packages, mail, clouds.
    (r"\bnpm_[A-Za-z0-9]{36}", Judge::Token(Tail::Url)),
    (
        r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50}",
        Judge::Token(Tail::Url),
    ),
    (
        r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
        Judge::Token(Tail::Url),
    ),
    (r"\bSK[a-f0-9]{32}\b", Judge::Token(Tail::Url)),
    (r"\bdo[opr]_v1_[a-f0-9]{64}", Judge::Token(Tail::Url)),
    (r"\bAccountKey=[A-Za-z0-9+/]{86}==", Judge::Last(88)),
    // Our own: keys, access and refresh tokens, runs, nodes.
    (
        r"\b(?:chk|cat|crt|crn|chn)_[A-Za-z0-9_-]{43}",
        Judge::Token(Tail::Url),
    ),
    // A signed web token.
    (r"\beyJ[A-Za-z0-9_-]{12}", Judge::WebToken),
    (
        r"://[A-Za-z0-9._~%+-]*:[A-Za-z0-9._~%+=-]{3,}@",
        Judge::Password,
    ),
    (r"@[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,24}", Judge::Email),
    (r"\+[1-9]\d{0,3}[ .(/-]{0,2}\d", Judge::InternationalPhone),
    (
        r"\([2-9]\d\d\) ?[2-9]\d\d[ .-]\d{4}\b",
        Judge::BracketedPhone,
    ),
    (
        r"\b[0-9A-Fa-f]{1,4}:(?:[0-9A-Fa-f]{0,4}:){2,6}[0-9A-Fa-f]{0,4}",
        Judge::Ipv6,
    ),
    (r"\b\d+(?:[ .-]\d+)*\b", Judge::Digits),
    (r"\b[A-Z]{2}\d{2} ?[A-Z0-9]{4}", Judge::Iban),
];

/// The automaton of all patterns.
pub(crate) static AUTOMATON: LazyLock<Regex> = LazyLock::new(|| {
    let patterns: Vec<&str> = PATTERNS.iter().map(|(pattern, _)| *pattern).collect();
    let syntax = regex_automata::util::syntax::Config::new()
        .unicode(false)
        .utf8(false);
    // Words of many scripts and forms must not make it forget what it has built.
    let config = Regex::config()
        .utf8_empty(false)
        .hybrid_cache_capacity(8 << 20);
    #[expect(
        clippy::expect_used,
        reason = "constant patterns, which the tests compile"
    )]
    Regex::builder()
        .syntax(syntax)
        .configure(config)
        .build_many(&patterns)
        .expect("the patterns are well formed")
});

/// Who judges what this pattern proposes.
pub(crate) fn judge(pattern: usize) -> Judge {
    PATTERNS[pattern].1
}
