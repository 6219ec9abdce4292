using Sidecar.Abstractions;

namespace Sidecar.Components.Aws;

/// <summary>Components on AWS and on what speaks its protocols.</summary>
public static class AwsComponentTypes
{
    /// <summary>Adds <c>bindings.aws.s3</c>.</summary>
    public static ComponentRegistry AddAws(this ComponentRegistry registry) => registry.Add("bindings.aws.s3", context => new S3Binding(context));
}
