//! What there is to find.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of thing that should not go everywhere. Its names are persisted, and policies speak them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A credential: keys and tokens of well-known services in their published forms, private keys,
    /// signed web tokens, passwords in addresses.
    Secret,
    /// The number of a payment card: a known issuer's prefix and length, and Luhn's check digit.
    PaymentCard,
    /// An international bank account number: its country's length, and the check digits modulo 97.
    Iban,
    /// A social security number of the United States, in the form `123-45-6789`.
    UsSsn,
    /// An address of electronic mail.
    Email,
    /// A telephone number with its country's code, or in a form of North America.
    Phone,
    /// An address of the internet protocol, but not one of the machine itself.
    IpAddress,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 7] = [
        Self::Secret,
        Self::PaymentCard,
        Self::Iban,
        Self::UsSsn,
        Self::Email,
        Self::Phone,
        Self::IpAddress,
    ];

    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::PaymentCard => "payment_card",
            Self::Iban => "iban",
            Self::UsSsn => "us_ssn",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::IpAddress => "ip_address",
        }
    }

    /// What stands where it was masked. It needs no escape in JSON, at any depth.
    #[must_use]
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::Secret => "[masked:secret]",
            Self::PaymentCard => "[masked:payment_card]",
            Self::Iban => "[masked:iban]",
            Self::UsSsn => "[masked:us_ssn]",
            Self::Email => "[masked:email]",
            Self::Phone => "[masked:phone]",
            Self::IpAddress => "[masked:ip_address]",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not the name of a [`Category`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseCategoryError(String);

impl fmt::Display for ParseCategoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = Category::ALL.map(|it| format!("`{it}`")).join(", ");
        write!(f, "`{}` is none of {all}", self.0)
    }
}

impl std::error::Error for ParseCategoryError {}

impl FromStr for Category {
    type Err = ParseCategoryError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == name);
        found.ok_or_else(|| ParseCategoryError(name.to_owned()))
    }
}

/// A set of categories.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Category>", into = "Vec<Category>")]
pub struct Categories(u8);

impl Categories {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether it is among them.
    #[must_use]
    pub const fn has(self, category: Category) -> bool {
        self.0 & (1 << category as u8) != 0
    }

    /// Puts one in; whether it was not there before.
    pub const fn add(&mut self, category: Category) -> bool {
        let new = !self.has(category);
        self.0 |= 1 << category as u8;
        new
    }

    /// Those of either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Each, in the order of [`Category::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Category> {
        Category::ALL.into_iter().filter(move |it| self.has(*it))
    }
}

impl FromIterator<Category> for Categories {
    fn from_iter<I: IntoIterator<Item = Category>>(all: I) -> Self {
        let mut set = Self::NONE;
        for each in all {
            set.add(each);
        }
        set
    }
}

impl From<Vec<Category>> for Categories {
    fn from(all: Vec<Category>) -> Self {
        all.into_iter().collect()
    }
}

impl From<Categories> for Vec<Category> {
    fn from(set: Categories) -> Self {
        set.iter().collect()
    }
}

impl fmt::Display for Categories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Category::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

/// How often each category was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Category, u64>);

impl Counts {
    /// Whether nothing was met.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more.
    pub fn add(&mut self, category: Category) {
        *self.0.entry(category).or_default() += 1;
    }

    /// Those of another count too.
    pub fn merge(&mut self, other: &Self) {
        for (category, count) in &other.0 {
            *self.0.entry(*category).or_default() += count;
        }
    }

    /// What was met at all.
    #[must_use]
    pub fn categories(&self) -> Categories {
        self.0.keys().copied().collect()
    }

    /// Each with how often.
    pub fn iter(&self) -> impl Iterator<Item = (Category, u64)> {
        self.0.iter().map(|(category, count)| (*category, *count))
    }
}
