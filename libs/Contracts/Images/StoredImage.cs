namespace Contracts.Images;

/// <summary>
/// A generated picture that images has stored: its answer to <c>POST /internal/images/generated/{id}?owner={user}</c>, whose body is a PNG or a JPEG. The
/// same id always answers the same picture.
/// </summary>
/// <param name="Key"><c>generated/{32 hex digits}.png</c> or <c>.jpg</c>, its key in component objects; cannot be guessed.</param>
/// <param name="CdnUrl">Where anybody who has this address gets it.</param>
/// <param name="ContentType">image/jpeg or image/png.</param>
/// <param name="Length">Bytes.</param>
/// <param name="ETag">SHA-256 of the content, lower-case hex.</param>
/// <param name="Width">Pixels per row, upright.</param>
/// <param name="Height">Rows, upright.</param>
public sealed record StoredImage(string Key, Uri CdnUrl, string ContentType, long Length, string ETag, int Width, int Height);
