//! A deserializer around another one that spends a budget.
//!
//! It sees each element of a list and each entry of a map before it is decoded, so it works for
//! every type: structures, `Vec`, `BTreeMap`, `serde_json::Value`.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Unexpected, Visitor,
};

use crate::text::short;

/// The most elements of a list, and entries of a map, that was not asked for by its type: it must
/// not spend what stands behind it.
const UNTYPED: usize = 10_000;
/// The longest word that is kept whole, in bytes. Command lines and labels are far shorter.
const WORD: usize = 16 << 10;

/// What is left, in bytes of memory.
pub struct Budget {
    left: Cell<usize>,
    dropped: Cell<u64>,
}

impl Budget {
    pub fn new(bytes: usize) -> Self {
        Self { left: Cell::new(bytes), dropped: Cell::new(0) }
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Whether there is room; takes it.
    fn take(&self, bytes: usize) -> bool {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }

    fn drop_one(&self) {
        self.dropped.set(self.dropped.get().saturating_add(1));
    }

    fn word<'a>(&self, word: &'a str) -> Cow<'a, str> {
        let word = short(word, WORD);
        // What has begun is finished: the next element finds the budget spent.
        self.take(word.len());
        word
    }
}

/// `inner`, spending `budget`.
pub struct Bounded<'b, T> {
    inner: T,
    budget: &'b Budget,
    /// Elements that there may still be.
    elements: usize,
    /// Its keys are those of a structure: bounded by the type, and none is left out.
    is_struct: bool,
}

impl<'b, T> Bounded<'b, T> {
    pub fn new(inner: T, budget: &'b Budget) -> Self {
        Self { inner, budget, elements: usize::MAX, is_struct: false }
    }

    fn around<U>(&self, inner: U) -> Bounded<'b, U> {
        Bounded::new(inner, self.budget)
    }

    /// Whether there is room for one more element of this size; takes it.
    fn takes(&mut self, size: usize) -> bool {
        let left = self.elements.checked_sub(1);
        self.elements = left.unwrap_or(0);
        left.is_some() && self.budget.take(size)
    }
}

macro_rules! watched {
    ($($method:ident($($arg:ident: $type:ty),*);)+) => {
        $(fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V)
            -> Result<V::Value, D::Error>
        {
            let visitor = self.around(visitor);
            self.inner.$method($($arg,)* visitor)
        })+
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    watched! {
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = Bounded { elements: UNTYPED, ..self.around(visitor) };
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = Bounded { is_struct: true, ..self.around(visitor) };
        self.inner.deserialize_struct(name, fields, visitor)
    }

    // What is skipped takes nothing.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_ignored_any(visitor)
    }
}

macro_rules! handed_on {
    ($($method:ident($type:ty);)+) => {
        $(fn $method<E: serde::de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        })+
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bounded<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    handed_on! {
        visit_bool(bool);
        visit_i64(i64);
        visit_i128(i128);
        visit_u64(u64);
        visit_u128(u128);
        visit_f64(f64);
        visit_char(char);
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<V::Value, E> {
        self.inner.visit_str(&self.budget.word(word))
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, word: &'de str) -> Result<V::Value, E> {
        match self.budget.word(word) {
            Cow::Borrowed(word) => self.inner.visit_borrowed_str(word),
            Cow::Owned(word) => self.inner.visit_string(word),
        }
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let inner = self.around(inner);
        self.inner.visit_some(inner)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let inner = self.around(inner);
        self.inner.visit_newtype_struct(inner)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        if self.is_struct {
            // A list of a structure's fields is a form that nobody writes, but liars.
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        let list = Bounded { elements: self.elements, ..self.around(list) };
        self.inner.visit_seq(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let (elements, is_struct) = (self.elements, self.is_struct);
        let map = Bounded { elements, is_struct, ..self.around(map) };
        self.inner.visit_map(map)
    }

    // Of enumerations we decode words alone, which are bounded by the type.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(data)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Bounded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let inner = self.around(inner);
        self.inner.deserialize(inner)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error>
    where
        S: DeserializeSeed<'de>,
    {
        if self.takes(size_of::<S::Value>()) {
            let seed = self.around(seed);
            return self.inner.next_element_seed(seed);
        }
        while self.inner.next_element::<IgnoredAny>()?.is_some() {
            self.budget.drop_one();
        }
        Ok(None)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error>
    where
        S: DeserializeSeed<'de>,
    {
        if self.is_struct || self.takes(size_of::<S::Value>()) {
            let seed = self.around(seed);
            return self.inner.next_key_seed(seed);
        }
        while self.inner.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            self.budget.drop_one();
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        if !self.is_struct {
            self.budget.take(size_of::<S::Value>());
        }
        let seed = self.around(seed);
        self.inner.next_value_seed(seed)
    }
}
