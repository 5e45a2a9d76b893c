//! Where a text was taken from, as the provider says.

/// One place that a text, or a stretch of it, was taken from.
///
/// It is the provider's word, and mostly an outside page's: addresses are those of the web and
/// nothing else, titles are one line, and both are bounded ([`limits::CITATION_URL_BYTES_MAX`],
/// [`limits::CITATION_TITLE_BYTES_MAX`]). Readers pass by what is no such place. What a place says
/// there is not kept: who reads the citation goes and looks.
///
/// [`limits::CITATION_URL_BYTES_MAX`]: vocab::limits::CITATION_URL_BYTES_MAX
/// [`limits::CITATION_TITLE_BYTES_MAX`]: vocab::limits::CITATION_TITLE_BYTES_MAX
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The place.
    pub source: Cited,
    /// Which characters of the part's text were taken from there, from one to before another; `None`
    /// if all of it, or nobody knows.
    pub span: Option<(u32, u32)>,
}

/// A place that can be cited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cited {
    /// A page of the web.
    Url {
        /// Its address: `http` or `https`.
        url: String,
        /// What it is called; empty if nobody said.
        title: String,
    },
    /// A document that the provider was given.
    File {
        /// Its id there; empty if it has none.
        id: String,
        /// What it is called.
        name: String,
    },
}
