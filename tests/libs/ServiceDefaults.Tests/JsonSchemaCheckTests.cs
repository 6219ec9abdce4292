using System.Text.Json.Nodes;
using TestKit;

namespace ServiceDefaults.Tests;

/// <summary>The check that the OpenAPI documents of all apps are held against: each keyword accepts and refuses, and says where.</summary>
public sealed class JsonSchemaCheckTests
{
    private static readonly JsonNode Document = JsonNode.Parse(
        """{"components":{"schemas":{"Name":{"type":"string","minLength":2},"a/b~c":{"const":1}}}}""")!;

    [Theory]
    [InlineData("true", "1", "")]
    [InlineData("false", "1", "$")]
    [InlineData("null", "1", "$")]
    [InlineData("{}", "null", "")]
    [InlineData("""{"description":"d","x-events":{"a":1}}""", "1", "")]
    [InlineData("""{"contentEncoding":"base64"}""", "\"eA==\"", "$")]
    [InlineData("""{"format":"hostname"}""", "\"a\"", "$")]
    [InlineData("""{"type":"string"}""", "\"a\"", "")]
    [InlineData("""{"type":"string"}""", "1", "$")]
    [InlineData("""{"type":"string"}""", "null", "$")]
    [InlineData("""{"type":["null","string"]}""", "null", "")]
    [InlineData("""{"type":"integer"}""", "2.0", "")]
    [InlineData("""{"type":"integer"}""", "2.5", "$")]
    [InlineData("""{"type":"boolean"}""", "false", "")]
    [InlineData("""{"type":"object"}""", "[]", "$")]
    [InlineData("""{"enum":["a","b"]}""", "\"b\"", "")]
    [InlineData("""{"enum":["a","b"]}""", "\"c\"", "$")]
    [InlineData("""{"const":{"a":1}}""", """{"a":1}""", "")]
    [InlineData("""{"const":{"a":1}}""", """{"a":2}""", "$")]
    [InlineData("""{"$ref":"#/components/schemas/Name"}""", "\"ab\"", "")]
    [InlineData("""{"$ref":"#/components/schemas/Name"}""", "\"a\"", "$")]
    [InlineData("""{"$ref":"#/components/schemas/a~1b~0c"}""", "1", "")]
    [InlineData("""{"$ref":"#/components/schemas/Missing"}""", "\"ab\"", "$")]
    [InlineData("""{"allOf":[{"minimum":1},{"maximum":3}]}""", "2", "")]
    [InlineData("""{"allOf":[{"minimum":1},{"maximum":3}]}""", "4", "$")]
    [InlineData("""{"anyOf":[{"const":1},{"const":2}]}""", "2", "")]
    [InlineData("""{"anyOf":[{"const":1},{"const":2}]}""", "3", "$")]
    [InlineData("""{"oneOf":[{"minimum":1},{"minimum":5}]}""", "2", "")]
    [InlineData("""{"oneOf":[{"minimum":1},{"minimum":5}]}""", "6", "$")]
    [InlineData("""{"not":{"const":1}}""", "2", "")]
    [InlineData("""{"not":{"const":1}}""", "1", "$")]
    [InlineData("""{"required":["a"]}""", """{"a":null}""", "")]
    [InlineData("""{"required":["a"]}""", """{"b":1}""", "$")]
    [InlineData("""{"properties":{"a":{"type":"string"}}}""", """{"b":1}""", "")]
    [InlineData("""{"properties":{"a":{"items":{"type":"string"}}}}""", """{"a":["x",2]}""", "$.a.1")]
    [InlineData("""{"properties":{"a":true},"additionalProperties":false}""", """{"a":1}""", "")]
    [InlineData("""{"properties":{"a":true},"additionalProperties":false}""", """{"a":1,"b":2}""", "$.b")]
    [InlineData("""{"additionalProperties":{"type":"string"}}""", """{"a":"x","b":2}""", "$.b")]
    [InlineData("""{"minProperties":1,"maxProperties":2}""", """{"a":1}""", "")]
    [InlineData("""{"minProperties":1}""", "{}", "$")]
    [InlineData("""{"maxProperties":1}""", """{"a":1,"b":2}""", "$")]
    [InlineData("""{"minItems":1,"maxItems":2,"uniqueItems":true}""", "[1,2]", "")]
    [InlineData("""{"minItems":1}""", "[]", "$")]
    [InlineData("""{"maxItems":1}""", "[1,2]", "$")]
    [InlineData("""{"uniqueItems":true}""", "[1,1]", "$")]
    [InlineData("""{"minLength":2,"maxLength":2}""", "\"🙂a\"", "")]
    [InlineData("""{"minLength":2}""", "\"🙂\"", "$")]
    [InlineData("""{"maxLength":1}""", "\"ab\"", "$")]
    [InlineData("""{"pattern":"^a+$"}""", "\"aa\"", "")]
    [InlineData("""{"pattern":"^a+$"}""", "\"ab\"", "$")]
    [InlineData("""{"minimum":1,"maximum":1}""", "1", "")]
    [InlineData("""{"minimum":1}""", "0.9", "$")]
    [InlineData("""{"maximum":1}""", "1.1", "$")]
    [InlineData("""{"exclusiveMinimum":1,"exclusiveMaximum":3}""", "2", "")]
    [InlineData("""{"exclusiveMinimum":1}""", "1", "$")]
    [InlineData("""{"exclusiveMaximum":3}""", "3", "$")]
    [InlineData("""{"multipleOf":0.1}""", "0.3", "")]
    [InlineData("""{"multipleOf":0.1}""", "0.35", "$")]
    [InlineData("""{"format":"uuid"}""", "\"00000000-0000-0000-0000-000000000001\"", "")]
    [InlineData("""{"format":"uuid"}""", "\"1\"", "$")]
    [InlineData("""{"format":"date-time"}""", "\"2026-01-02T03:04:05Z\"", "")]
    [InlineData("""{"format":"date-time"}""", "\"2026-01-02\"", "$")]
    [InlineData("""{"format":"date"}""", "\"2026-02-30\"", "$")]
    [InlineData("""{"format":"uri"}""", "\"https://a.example\"", "")]
    [InlineData("""{"format":"uri"}""", "\"a b\"", "$")]
    [InlineData("""{"format":"email"}""", "\"a@b\"", "")]
    [InlineData("""{"format":"email"}""", "\"a@\"", "$")]
    [InlineData("""{"format":"int32"}""", "2147483648", "$")]
    [InlineData("""{"format":"int64"}""", "2147483648", "")]
    public void A_schema_accepts_what_fits_and_says_where_something_does_not(string schema, string value, string place)
    {
        var errors = JsonSchemaCheck.Check(JsonNode.Parse(schema), JsonNode.Parse(value), Document);

        Assert.Equal(place, errors.Count == 0 ? "" : errors[0][..errors[0].IndexOf(':')]);
    }

    [Fact]
    public void Everything_that_is_wrong_is_named()
    {
        var schema = JsonNode.Parse("""{"type":"object","required":["c"],"properties":{"a":{"type":"string"},"b":{"maximum":1}}}""");

        var errors = JsonSchemaCheck.Check(schema, JsonNode.Parse("""{"a":1,"b":2}"""), Document);

        Assert.Equal(
            ["""$: required ["c"] does not accept {"a":1,"b":2}""", """$.a: type "string" does not accept 1""", "$.b: maximum 1 does not accept 2"], errors);
    }
}
