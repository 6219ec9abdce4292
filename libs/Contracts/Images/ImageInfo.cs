namespace Contracts.Images;

/// <summary>A finished picture, answered by images to <c>GET /internal/images/{key}</c> (404 when unknown or not finished).</summary>
/// <param name="Key"><c>{channel}/{32 hex digits}{ext}</c>, its key in component objects.</param>
/// <param name="Owner">User who uploaded it, or for whom it was generated.</param>
/// <param name="ContentType">From its first bytes: image/jpeg or image/png.</param>
/// <param name="Length">Bytes.</param>
/// <param name="ETag">SHA-256 of the content, lower-case hex.</param>
/// <param name="Width">Pixels per row, upright; null of pictures that were finished before this was recorded.</param>
/// <param name="Height">Rows, upright; null as <paramref name="Width"/>.</param>
public sealed record ImageInfo(string Key, string Owner, string ContentType, long Length, string ETag, int? Width = null, int? Height = null);
