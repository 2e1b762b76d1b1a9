//! The context a value is sealed in: whose it is and where it lives. It goes into the key derivation, so that a value moved to another
//! tenant, table, item or attribute does not open.
//!
//! Only names that survive a migration belong here: no region, account, ARN, physical table name, client key or site address.

/// Where a tenant's value lives. The tenant is missing on purpose: [`TenantKeys`](super::TenantKeys) adds its own, so that nobody can
/// seal or open in another's name.
///
/// `resource` is the logical name of the table or bucket. `pk` and `sk` are the raw bytes of string or binary keys; numbers have no
/// canonical bytes and are not allowed. A field that does not apply is empty.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The service that owns the resource.
    pub service: &'a str,
    /// The logical table or bucket.
    pub resource: &'a str,
    /// The partition key, or the object's key.
    pub pk: &'a [u8],
    /// The sort key.
    pub sk: &'a [u8],
    /// The attribute that holds the sealed bytes.
    pub attribute: &'a str,
}

impl<'a> Place<'a> {
    /// The full context of this place in a tenant's world.
    #[must_use]
    pub const fn of(self, tenant: &'a str) -> Context<'a> {
        Context { tenant, service: self.service, resource: self.resource, pk: self.pk, sk: self.sk, attribute: self.attribute }
    }
}

/// The full context: a [`Place`] and the id of the tenant. Fields 1 to 6 of TSE1, in this order.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Our own immutable id of the tenant.
    pub tenant: &'a str,
    /// As in [`Place`].
    pub service: &'a str,
    /// As in [`Place`].
    pub resource: &'a str,
    /// As in [`Place`].
    pub pk: &'a [u8],
    /// As in [`Place`].
    pub sk: &'a [u8],
    /// As in [`Place`].
    pub attribute: &'a str,
}

impl Context<'_> {
    fn fields(&self) -> [&[u8]; 6] {
        [self.tenant.as_bytes(), self.service.as_bytes(), self.resource.as_bytes(), self.pk, self.sk, self.attribute.as_bytes()]
    }

    /// How many bytes [`encode_into`](Self::encode_into) appends.
    pub(super) fn encoded_length(&self) -> usize {
        self.fields().iter().map(|field| 1 + 4 + field.len()).sum()
    }

    /// Appends every field as `id u8 || length u32 || bytes`, big-endian: no two contexts share an encoding.
    ///
    /// `None` if a field is longer than its length can say.
    pub(super) fn encode_into(&self, encoded: &mut Vec<u8>) -> Option<()> {
        for (id, field) in (1_u8..).zip(self.fields()) {
            encoded.push(id);
            encoded.extend_from_slice(&u32::try_from(field.len()).ok()?.to_be_bytes());
            encoded.extend_from_slice(field);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The other way round, for the proof below: an encoding that can be read back is injective.
    fn decode(mut encoded: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut fields = Vec::new();
        while let Some((id, rest)) = encoded.split_first() {
            let (length, rest) = rest.split_first_chunk::<4>().unwrap();
            let (field, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
            fields.push((*id, field.to_vec()));
            encoded = rest;
        }
        fields
    }

    fn encoded(context: &Context<'_>) -> Vec<u8> {
        let mut encoded = Vec::new();
        context.encode_into(&mut encoded).unwrap();
        assert_eq!(encoded.len(), context.encoded_length());
        encoded
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        let place = Place { service: "s", resource: "", pk: b"ab", sk: &[0xFF], attribute: "x" };
        let expected = b"\x01\0\0\0\x01t\x02\0\0\0\x01s\x03\0\0\0\0\x04\0\0\0\x02ab\x05\0\0\0\x01\xFF\x06\0\0\0\x01x";
        assert_eq!(encoded(&place.of("t")), expected);
    }

    proptest! {
        #[test]
        fn an_encoded_context_can_be_read_back(
            tenant in any::<String>(), service in any::<String>(), resource in any::<String>(),
            pk in any::<Vec<u8>>(), sk in any::<Vec<u8>>(), attribute in any::<String>(),
        ) {
            let place = Place { service: &service, resource: &resource, pk: &pk, sk: &sk, attribute: &attribute };
            let fields = decode(&encoded(&place.of(&tenant)));
            let text = |field: &str| field.as_bytes().to_vec();
            let expected =
                [(1, text(&tenant)), (2, text(&service)), (3, text(&resource)), (4, pk.clone()), (5, sk.clone()), (6, text(&attribute))];
            prop_assert_eq!(fields, expected);
        }
    }
}
