//! Reading JSON as the server writes it: a struct is an object, and never a list of its fields.
//! `serde_json` reads both, and the page would have to carry the second way for every type.

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// The value that a text begins with; `None` where it makes no sense.
#[must_use]
pub fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    T::deserialize(Objects(&mut serde_json::Deserializer::from_str(text))).ok()
}

/// A reader, or a part of one, by which structs are objects.
struct Objects<D>(D);

/// Hands a function of the reader on, with what it finds inside to be read the same way.
macro_rules! within {
    ($($name:ident)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$name(Objects(visitor))
        })*
    };
}

/// Hands a function of the reader on that finds nothing inside.
macro_rules! plain {
    ($($name:ident)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$name(visitor)
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Objects<D> {
    type Error = D::Error;

    within! { deserialize_map deserialize_seq deserialize_option }

    plain! {
        deserialize_any deserialize_bool deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f64 deserialize_str deserialize_string deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Objects(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Of a fixed length: an array.
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_seq(Objects(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! { i8 i16 i32 i128 u128 f32 char bytes byte_buf unit unit_struct tuple_struct }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Objects<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Objects(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Objects(seq))
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Objects(deserializer))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Objects(seed))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Objects(seed))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Objects<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Objects(deserializer))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        #[default]
        One,
        TwoWords,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Inner {
        name: String,
        #[serde(default)]
        value: Option<f64>,
        word: Word,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Outer {
        count: u64,
        is: bool,
        inner: Option<Box<Inner>>,
        list: Vec<Inner>,
        numbers: [u64; 3],
        lists: Vec<Vec<i64>>,
    }

    #[test]
    fn everything_is_read_as_it_was_written_and_a_list_is_no_struct() {
        let inner = Inner { name: "\"a\" ü".to_owned(), value: Some(-0.5), word: Word::TwoWords };
        let outer = Outer {
            count: u64::MAX,
            is: true,
            inner: Some(Box::new(inner.clone())),
            list: vec![inner, Inner::default()],
            numbers: [1, 2, 3],
            lists: vec![vec![], vec![-1, 2]],
        };
        let text = serde_json::to_string(&outer).unwrap();
        assert_eq!(read::<Outer>(&text), Some(outer));
        assert_eq!(read::<Outer>(&format!("{text}, and more")).map(|outer| outer.count), Some(u64::MAX));
        assert_eq!(
            read::<Inner>(r#"{"name":"a","value":null,"word":"one","more":[{"b":{}}]}"#),
            Some(Inner { name: "a".to_owned(), ..Inner::default() })
        );
        for nonsense in
            ["", "[]", r#"["a",1.0,"one"]"#, r#"{"name":1}"#, r#"{"name":"a""#, r#"{"name":"a","word":"x"}"#]
        {
            assert_eq!(read::<Inner>(nonsense), None, "{nonsense}");
        }
    }
}
