using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ModelServers.OpenAi;

/// <summary><c>POST /v1/images/generations</c> and, as multipart with its reference pictures, <c>/v1/images/edits</c>.</summary>
internal sealed class Images(OpenAiProtocol protocol) : WireFormat
{
    /// <summary>What the gpt-image models draw.</summary>
    private static readonly string[] Sizes = ["1024x1024", "1536x1024", "1024x1536", "auto"];

    public override async Task<ModelRequest> ReadAsync(HttpContext http)
    {
        var key = protocol.KeyOf(http);
        var (body, pictures) = http.Request.HasFormContentType ? await ReadFormAsync(http) : (await ReadJsonAsync(http), []);
        var model = RequireText(body, "model");
        var size = body["size"]?.GetValue<string>();
        if (model.StartsWith("gpt-image", StringComparison.Ordinal))
        {
            if (size is not null && !Sizes.Contains(size))
            {
                throw new WireException(400, "invalid value: 'size'");
            }

            if (body["response_format"] is not null)
            {
                throw new WireException(400, "unknown parameter: 'response_format'");
            }

            if (body["output_compression"] is not null && (string?)body["output_format"] is not ("jpeg" or "webp"))
            {
                throw new WireException(400, "invalid parameter: 'output_compression'");
            }
        }

        if (http.Request.Path.Value!.EndsWith("/edits", StringComparison.Ordinal) && pictures.Count == 0)
        {
            throw new WireException(400, "missing required parameter: 'image'");
        }

        return new ModelRequest
        {
            Protocol = protocol.Name,
            Path = http.Request.Path,
            Model = model,
            Key = key,
            Messages = [new ModelMessage("user", RequireText(body, "prompt")) { Pictures = pictures }],
            Size = size,
            Raw = body,
            Headers = HeadersOf(http),
        };
    }

    public override JsonNode Whole(ModelRequest request, ModelReply reply)
    {
        var picture = reply as PictureReply ?? ModelReply.SamplePicture;
        var count = int.Parse(request.Raw["n"]?.ToString() ?? "1");
        var data = Enumerable.Range(0, count).Select(_ => new JsonObject { ["b64_json"] = Convert.ToBase64String(picture.Bytes) });
        var body = new JsonObject { ["created"] = request.At.ToUnixTimeSeconds(), ["data"] = new JsonArray([.. data]) };
        if (!protocol.Compatible)
        {
            body["output_format"] = picture.MediaType["image/".Length..];
            body["usage"] = new JsonObject { ["input_tokens"] = 50, ["output_tokens"] = 1056, ["total_tokens"] = 1106 };
        }

        return body;
    }

    public override StatusReply Declined(NoPictureReply reply) => new(400) { ErrorCode = "moderation_blocked" };

    public override (int Status, JsonNode Body) Error(StatusReply reply, string message) => OpenAiProtocol.Error(reply, message);

    private static async Task<(JsonNode Body, IReadOnlyList<ModelPicture> Pictures)> ReadFormAsync(HttpContext http)
    {
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var body = new JsonObject();
        foreach (var (name, value) in form)
        {
            body[name] = value.ToString();
        }

        List<ModelPicture> pictures = [];
        foreach (var file in form.Files.Where(file => file.Name is "image" or "image[]"))
        {
            using var bytes = new MemoryStream();
            await file.CopyToAsync(bytes, http.RequestAborted);
            pictures.Add(new ModelPicture(bytes.ToArray(), file.ContentType));
        }

        return (body, pictures);
    }
}
