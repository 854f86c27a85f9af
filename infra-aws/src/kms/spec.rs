//! What kind of key.

use infra_core::Value;

/// What a key is made of. (KMS developer guide, "Key spec reference".)
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySpec {
    /// One secret 256-bit key: what AWS services encrypt with.
    #[value(rename = "SYMMETRIC_DEFAULT")]
    SymmetricDefault,
    /// RSA, 2048 bits.
    #[value(rename = "RSA_2048")]
    Rsa2048,
    /// RSA, 3072 bits.
    #[value(rename = "RSA_3072")]
    Rsa3072,
    /// RSA, 4096 bits.
    #[value(rename = "RSA_4096")]
    Rsa4096,
    /// The NIST curve P-256.
    #[value(rename = "ECC_NIST_P256")]
    EccNistP256,
    /// The NIST curve P-384.
    #[value(rename = "ECC_NIST_P384")]
    EccNistP384,
    /// The NIST curve P-521.
    #[value(rename = "ECC_NIST_P521")]
    EccNistP521,
    /// The curve secp256k1.
    #[value(rename = "ECC_SECG_P256K1")]
    EccSecgP256k1,
    /// A key for HMAC with SHA-256.
    #[value(rename = "HMAC_256")]
    Hmac256,
    /// A key for HMAC with SHA-384.
    #[value(rename = "HMAC_384")]
    Hmac384,
    /// A key for HMAC with SHA-512.
    #[value(rename = "HMAC_512")]
    Hmac512,
}

/// What a key may be used for.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUsage {
    /// To encrypt and decrypt.
    #[value(rename = "ENCRYPT_DECRYPT")]
    EncryptDecrypt,
    /// To sign and verify.
    #[value(rename = "SIGN_VERIFY")]
    SignVerify,
    /// To make and check message authentication codes.
    #[value(rename = "GENERATE_VERIFY_MAC")]
    GenerateVerifyMac,
    /// To agree on a shared secret.
    #[value(rename = "KEY_AGREEMENT")]
    KeyAgreement,
}
