using Amazon.S3.Model;
using Sidecar.Abstractions;

namespace Sidecar.Components.Aws;

/// <summary>Request metadata <c>tags</c>: <c>name=value,name2=value2</c>.</summary>
internal static class ObjectTags
{
    public static List<Tag>? Parse(string? text) => text is not { Length: > 0 } ? null :
    [
        .. text.Split(',').Select(pair => pair.Split('=', 2) is [var name, var value] && name.Trim().Length > 0
            ? new Tag { Key = name.Trim(), Value = value.Trim() }
            : throw new BindingException($"tags is not a list of name=value: '{pair}'")),
    ];
}
