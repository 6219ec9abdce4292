using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Npgsql;

namespace Sidecar.Components.PostgreSql;

/// <summary>
/// Rows as JSON without loss: numbers with all their digits, json as it is, bytes in base64, times in RFC 3339 (a date and a time without zone as in UTC,
/// as daprd writes them), arrays as arrays, null as null, and everything else as PostgreSQL's own text. The values are taken as text, which every type has.
/// </summary>
internal static class RowsJson
{
    // Ids of built-in types; they are the same in every database (pg_type.dat of PostgreSQL).
    private const uint Bool = 16, Bytea = 17, Int8 = 20, Int2 = 21, Int4 = 23, Oid = 26, Json = 114, Float4 = 700, Float8 = 701;
    private const uint Date = 1082, Timestamp = 1114, TimestampTz = 1184, Numeric = 1700, Jsonb = 3802, Text = 25;

    private static readonly Dictionary<uint, uint> ElementOfArray = new()
    {
        [1000] = Bool, [1001] = Bytea, [1005] = Int2, [1007] = Int4, [1016] = Int8, [1028] = Oid, [199] = Json, [1021] = Float4, [1022] = Float8,
        [1182] = Date, [1115] = Timestamp, [1185] = TimestampTz, [1231] = Numeric, [3807] = Jsonb, [1009] = Text, [1014] = Text, [1015] = Text, [1002] = Text,
        [2951] = Text, [1041] = Text, [1183] = Text, [1187] = Text,
    };

    public static async Task<byte[]> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>();
        await using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartArray();
        while (await reader.ReadAsync(cancellationToken))
        {
            writer.WriteStartArray();
            for (var column = 0; column < reader.FieldCount; column++)
            {
                if (reader.IsDBNull(column))
                {
                    writer.WriteNullValue();
                }
                else
                {
                    Write(writer, reader.GetDataTypeOID(column), reader.GetString(column));
                }
            }

            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        await writer.FlushAsync(cancellationToken);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>One value from PostgreSQL's text of it.</summary>
    public static void Write(Utf8JsonWriter writer, uint type, string text)
    {
        switch (type)
        {
            case Bool:
                writer.WriteBooleanValue(text == "t");
                break;
            case Int2 or Int4 or Int8 or Oid or Float4 or Float8 or Numeric when !text.AsSpan().ContainsAny("NIy"):
                writer.WriteRawValue(text);
                break;
            case Json or Jsonb:
                writer.WriteRawValue(text);
                break;
            case Bytea when text.StartsWith(@"\x", StringComparison.Ordinal):
                writer.WriteBase64StringValue(Convert.FromHexString(text.AsSpan(2)));
                break;
            case Date or Timestamp or TimestampTz:
                writer.WriteStringValue(Time(type, text));
                break;
            default:
                if (ElementOfArray.TryGetValue(type, out var element) && text[0] == '{')
                {
                    WriteArray(writer, element, text);
                }
                else
                {
                    writer.WriteStringValue(text);
                }

                break;
        }
    }

    // 2024-02-29, 2024-02-29 12:30:00.5, 2024-02-29 12:30:00.5+00; years before Christ and infinity stay as they are.
    private static string Time(uint type, string text) => !char.IsAsciiDigit(text[0]) || text.EndsWith("BC", StringComparison.Ordinal) ? text : type switch
    {
        Date => text + "T00:00:00Z",
        Timestamp => text.Replace(' ', 'T') + "Z",
        _ when text.EndsWith("+00", StringComparison.Ordinal) => text.Replace(' ', 'T')[..^3] + "Z",
        _ => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out var time) ? time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture) : text,
    };

    /// <summary>An array literal: <c>{1,NULL,"with \"quotes\"",{nested}}</c>.</summary>
    private static void WriteArray(Utf8JsonWriter writer, uint element, string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '{':
                    writer.WriteStartArray();
                    break;
                case '}':
                    writer.WriteEndArray();
                    break;
                case ',':
                    break;
                case '"':
                    Write(writer, element, Quoted(text, ref i));
                    break;
                default:
                    var end = text.AsSpan(i).IndexOfAny(",}") + i;
                    var word = text[i..end];
                    i = end - 1;
                    if (word == "NULL")
                    {
                        writer.WriteNullValue();
                    }
                    else
                    {
                        Write(writer, element, word);
                    }

                    break;
            }
        }
    }

    /// <summary>Reads from an opening quote to the closing one.</summary>
    private static string Quoted(string text, ref int i)
    {
        var value = new System.Text.StringBuilder();
        for (i++; text[i] != '"'; i++)
        {
            i += text[i] == '\\' ? 1 : 0;
            value.Append(text[i]);
        }

        return value.ToString();
    }
}
