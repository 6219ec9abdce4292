using System.Buffers.Binary;

namespace Imaging.Tests;

/// <summary>
/// Thousands of damaged pictures that get past the first checks: PNG chunks with right checksums around wrong content, JPEG
/// headers, tables, scans and entropy-coded data changed one by one. Seeded, so a failure can be repeated.
/// </summary>
public sealed class StructuredFuzzTests(ITestOutputHelper output)
{
    private const int Rounds = 1500;

    /// <summary>Far above what any of these pictures needs, far below an endless loop.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly DecodeOptions Limits = new() { MaxPixels = 200_000, MaxWorkingBytes = 5_000_000 };

    /// <summary>48 x 40 pixels, progressive with refinement, 4:2:0, restart markers; written by cjpeg.</summary>
    private static readonly byte[] Progressive = Convert.FromBase64String(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4"
        + "x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wgARCAAo"
        + "ADADASIAAhEBAxEB/8QAGQAAAwEBAQAAAAAAAAAAAAAAAAIDBAUB/8QAGQEAAwEBAQAAAAAAAAAAAAAAAgMEAQAF/90ABAAD/9oADAMBAAIQAx"
        + "AAAAHmM93hF+g6S5j6Z7b/AP/Qz6Z12Sjo6mEredX/AP/RdwDz2YAe7ANH/8QAGxAAAwEAAwEAAAAAAAAAAAAAAAERAhASMSD/3QAEAAb/2gAI"
        + "AQEAAQUChBZbOjRCH//QhjF53gh//9GGPOH5D//SgviH/9OEIQhD/8QAGBEAAwEBAAAAAAAAAAAAAAAAAAECEQP/3QAEAAP/2gAIAQMBAT8BV4"
        + "T2ZF6f/9DdJIeH/9GWSSz/xAAaEQACAgMAAAAAAAAAAAAAAAAAEQECEBIT/9oACAECAQE/AZsjqbM//9C0skZ//9HP/8QAGRAAAgMBAAAAAAAA"
        + "AAAAAAAAASAAECER/90ABAAG/9oACAEBAAY/AqwTRf8A/9BOiv/Rb//Sb//Tb//EABkQAQEAAwEAAAAAAAAAAAAAAAABITFREf/aAAgBAQABPy"
        + "GEN4VdoQh//9CHpzqIiE4cQ//RhHhEZ2h//9KGKIvEP//ThCEIQ//dAAQAA//aAAwDAQACAAMAAAAQb5m//9AiiT//0YH3P//EABgRAQEBAQEA"
        + "AAAAAAAAAAAAAAEAERAx/9oACAEDAQE/EAGto8gGl//QMM4yX//RSTJf/8QAGBEBAQEBAQAAAAAAAAAAAAAAAQAREDH/2gAIAQIBAT8QIayt8s"
        + "jS/9DBwYL/0VZWW//EAB4QAQACAwACAwAAAAAAAAAAAAEQEQAhMSBhUYGR/90ABAAG/9oACAEBAAE/EIDjhdWGstaQda1+yn//0MCs973hAAKD"
        + "gQVopO/hB//RwLT29yAA8qD/0sBy8ZNin3B//9PyAA//2Q==");

    [Fact]
    public void Damaged_JPEG_files_give_a_picture_or_a_format_error() =>
        Fuzz(JpegEncoder.Encode(TestPictures.Synthetic(48, 40)), Damage);

    [Fact]
    public void Damaged_progressive_JPEG_files_give_a_picture_or_a_format_error()
    {
        Assert.Equal(48, ImageDecoder.Decode(Progressive).Width);
        Fuzz(Progressive, Damage);
    }

    [Theory]
    [InlineData(0, 16, true)]
    [InlineData(2, 8, false)]
    [InlineData(3, 4, true)]
    [InlineData(6, 8, false)]
    public void Damaged_PNG_files_with_right_checksums_give_a_picture_or_a_format_error(int colourType, int depth, bool interlaced)
    {
        var builder = new PngBuilder(48, 40, depth, colourType)
        {
            Sample = (x, y, c) => ((x * 31) + (y * 17) + (c * 5)) & ((1 << depth) - 1),
            Interlaced = interlaced,
            ChunkBytes = 100,
        };
        Fuzz((colourType == 3 ? builder.With("PLTE", new byte[48]).With("tRNS", 1, 2, 3) : builder).Build(), DamageChunks);
    }

    private void Fuzz(byte[] sound, Func<byte[], Random, byte[]> damage)
    {
        using var endless = new CancellationTokenSource(Patience);
        int decoded = 0;
        for (int seed = 0; seed < Rounds; seed++)
        {
            byte[] damaged = damage(sound, new Random(seed));
            foreach (var options in new[] { Limits, Limits with { TargetMinSide = 5 } })
            {
                try
                {
                    ImageDecoder.Decode(damaged, options, endless.Token);
                    decoded++;
                }
                catch (ImageFormatException)
                {
                    // The only exception that content may cause.
                }
                catch (Exception exception)
                {
                    Assert.Fail($"seed {seed}: {exception}");
                }
            }
        }

        output.WriteLine($"{decoded} of {2 * Rounds} decoded in spite of the damage");
    }

    private static byte[] Damage(byte[] sound, Random random)
    {
        var damaged = sound.ToList();
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            int at = random.Next(2, damaged.Count);
            switch (random.Next(6))
            {
                case 0:
                    damaged[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    damaged[at] = (byte)random.Next(256);
                    break;
                case 2:
                    damaged.Insert(at, (byte)random.Next(256));
                    break;
                case 3:
                    damaged.RemoveAt(at);
                    break;
                case 4:
                    damaged.InsertRange(at, [0xFF, (byte)random.Next(0xC0, 0x100)]);
                    break;
                default:
                    int length = random.Next(1, damaged.Count - at + 1);
                    damaged.InsertRange(random.Next(2, damaged.Count), damaged.GetRange(at, length));
                    break;
            }
        }

        return random.Next(5) == 0 ? [.. damaged.Take(random.Next(damaged.Count))] : [.. damaged];
    }

    /// <summary>Changes, drops, doubles and swaps chunks; recompresses changed pixel data half of the time.</summary>
    private static byte[] DamageChunks(byte[] sound, Random random)
    {
        var chunks = ReadChunks(sound);
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(chunks.Count);
            var (type, payload) = chunks[at];
            switch (random.Next(6))
            {
                case 0 when payload.Length > 0:
                case 1 when payload.Length > 0:
                    payload = (byte[])payload.Clone();
                    payload[random.Next(payload.Length)] ^= (byte)(1 << random.Next(8));
                    chunks[at] = (type, payload);
                    break;
                case 2:
                    chunks.RemoveAt(at);
                    break;
                case 3:
                    chunks.Insert(random.Next(chunks.Count), (type, payload));
                    break;
                case 4:
                    chunks[at] = (type, payload[..random.Next(payload.Length + 1)]);
                    break;
                default:
                    var rows = new byte[random.Next(1, 12_000)];
                    random.NextBytes(rows);
                    chunks[at] = ("IDAT", PngBuilder.Compress(rows));
                    break;
            }

            if (chunks.Count == 0)
            {
                break;
            }
        }

        var file = new MemoryStream();
        file.Write(sound.AsSpan(0, 8));
        chunks.ForEach(chunk => PngBuilder.WriteChunk(file, chunk.Type, chunk.Payload));
        return file.ToArray();
    }

    private static List<(string Type, byte[] Payload)> ReadChunks(byte[] png)
    {
        var chunks = new List<(string Type, byte[] Payload)>();
        for (int at = 8; at < png.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            chunks.Add((System.Text.Encoding.ASCII.GetString(png, at + 4, 4), png.AsSpan(at + 8, length).ToArray()));
            at += length + 12;
        }

        return chunks;
    }
}
