namespace Sidecar.Redis;

/// <summary>Types of RESP3. The two string types of a plain reply, simple and blob, are told apart; the two error types are not.</summary>
public enum RedisReplyKind
{
    /// <summary>Nothing (also RESP2's null string and null array).</summary>
    Null,

    /// <summary>Blob string: any bytes.</summary>
    String,

    /// <summary>Simple string such as <c>OK</c>.</summary>
    SimpleString,

    /// <summary>Simple or blob error.</summary>
    Error,

    /// <summary>Signed integer of 64 bits.</summary>
    Integer,

    /// <summary>Floating-point number.</summary>
    Double,

    /// <summary>Integer of any length, kept as its digits.</summary>
    BigNumber,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>Array.</summary>
    Array,

    /// <summary>Map; its items are key, value, key, value…</summary>
    Map,

    /// <summary>Set.</summary>
    Set,

    /// <summary>Push: not the reply to a command.</summary>
    Push,

    /// <summary>Verbatim string; its format ("txt", "mkd") is dropped.</summary>
    Verbatim,
}
