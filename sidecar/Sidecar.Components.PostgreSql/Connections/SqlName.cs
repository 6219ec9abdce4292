using System.Text.RegularExpressions;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Connections;

/// <summary>Names from metadata that become part of a statement. They stand there without quotes, as Dapr writes them, so the server reads them in lower case.</summary>
internal static partial class SqlName
{
    /// <summary>A table, perhaps with its schema.</summary>
    public static string Table(string field, string value) => Checked(field, value, TableForm());

    /// <summary>The beginning of table names: empty, <c>name_</c>, <c>schema.</c> or <c>schema.name_</c>.</summary>
    public static string Prefix(string field, string value) => Checked(field, value, PrefixForm());

    /// <summary>One word.</summary>
    public static string Word(string field, string value) => Checked(field, value, WordForm());

    private static string Checked(string field, string value, Regex form) => form.IsMatch(value)
        ? value
        : throw new ComponentException($"metadata '{field}' is '{value}': letters, digits and _ only, with no digit first, at most 63 of them, and a schema before a dot");

    [GeneratedRegex(@"\A([A-Za-z_]\w{0,62}\.)?[A-Za-z_]\w{0,62}\z", RegexOptions.ECMAScript)]
    private static partial Regex TableForm();

    // With the longest name that is put after it a table's name has 63 characters, and its index is named too.
    [GeneratedRegex(@"\A([A-Za-z_]\w{0,62}\.)?([A-Za-z_]\w{0,30})?\z", RegexOptions.ECMAScript)]
    private static partial Regex PrefixForm();

    [GeneratedRegex(@"\A[A-Za-z_]\w{0,62}\z", RegexOptions.ECMAScript)]
    private static partial Regex WordForm();
}
