using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Ai.Local;
using Ai.Local.Text;
using Ai.Providers;
using Microsoft.Extensions.AI;

namespace Ai.Tests.Local;

/// <summary>Vectors by spelling.</summary>
public sealed class LexicalEmbeddingTests
{
    private static float Likeness(string left, string right) => LexicalEmbedding.Dot(LexicalEmbedding.Create(left, 512), LexicalEmbedding.Create(right, 512));

    private static IEmbeddingGenerator<string, Embedding<float>> Generator() =>
        new LocalProvider([]).CreateEmbeddings(new ProviderConnection("local", new ProviderOptions(), Key: null, new HttpClient()), "local");

    /// <summary>Stored vectors are compared with new ones after an update: a change of these digests needs a new <see cref="LexicalEmbedding.Model"/>.</summary>
    [Theory]
    [InlineData("무색 페트병은 라벨을 떼고 버려요", 512, "6f5e3254ccb34f6c")]
    [InlineData("Rinse the bottles, remove labels.", 512, "57e54f1ac74bccc5")]
    [InlineData("PET병 2개 & 캔", 64, "29e96eb15f6f0ca6")]
    public void Is_the_same_in_every_process_and_version(string text, int dimensions, string digest)
    {
        Assert.Equal("lexical-1", LexicalEmbedding.Model);
        // Rounded, so that the last bit of a logarithm on another processor does not matter.
        var rounded = LexicalEmbedding.Create(text, dimensions).Select(value => (int)MathF.Round(value * 10_000)).ToArray();
        Assert.Equal(digest, Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(rounded.AsSpan())))[..16]);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(512)]
    [InlineData(1000)]
    public void Has_the_length_one_and_as_many_places_as_asked(int dimensions)
    {
        var vector = LexicalEmbedding.Create("종이와 유리병 and a can", dimensions);

        Assert.Equal(dimensions, vector.Length);
        Assert.Equal(1, LexicalEmbedding.Dot(vector, vector), 5);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n!? …")]
    public void Of_nothing_is_zero(string text) => Assert.All(LexicalEmbedding.Create(text, 32), value => Assert.Equal(0, value));

    [Fact]
    public void Hangul_is_the_same_however_it_is_stored_and_Latin_in_either_case()
    {
        // 한글 with its letters one by one, as some file systems store names.
        Assert.Equal(1, Likeness("한글", "\u1112\u1161\u11AB\u1100\u1173\u11AF"), 5);
        Assert.Equal(1, Likeness("Plastic BOTTLES", "plastic bottle"), 5);
        Assert.Equal(1, Likeness("ＰＥＴ병", "pet병"), 5);
    }

    [Theory]
    [InlineData("유리병을 버리는 방법", "유리병 버리기", "종이 상자를 접는 방법")]
    [InlineData("무색페트병", "무색 페트병", "유색 플라스틱")]
    [InlineData("플라스틱 용기", "플라스틱을 담은 용기들", "금속 캔")]
    [InlineData("washing plastic bottles", "wash the plastic bottle", "folding a paper box")]
    public void Like_spelling_is_near_and_other_spelling_far(string text, string near, string far)
    {
        Assert.True(Likeness(text, near) > 0.4, $"{Likeness(text, near)}");
        Assert.True(Likeness(text, near) > 2 * Likeness(text, far), $"{Likeness(text, near)} {Likeness(text, far)}");
    }

    [Fact]
    public async Task Comes_from_the_provider_with_its_label()
    {
        var embeddings = await Generator().GenerateAsync(["하나", "two"], cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(2, embeddings.Count);
        Assert.All(embeddings, embedding => Assert.Equal((512, "lexical-1"), (embedding.Dimensions, embedding.ModelId)));
        Assert.Equal(("local", "lexical"), (embeddings.AdditionalProperties!["provider"], embeddings.AdditionalProperties["kind"]));
        Assert.Equal(LexicalEmbedding.Create("two", 512), embeddings[1].Vector.ToArray());
    }

    [Fact]
    public async Task Refuses_a_number_of_places_that_there_is_not()
    {
        var failure = await Assert.ThrowsAsync<ModelException>(() => Generator().GenerateAsync(["a"], new EmbeddingGenerationOptions { Dimensions = 4097 }));

        Assert.Equal(ModelFailure.BadRequest, failure.Failure);
        Assert.Contains("1 to 4096", failure.Message);
    }

    [Fact]
    public async Task Stops_when_cancelled() => await Assert.ThrowsAnyAsync<OperationCanceledException>(
        () => Generator().GenerateAsync(["a"], cancellationToken: new CancellationToken(canceled: true)));

    [Fact]
    public void Takes_any_text()
    {
        var random = new Random(3);
        for (var i = 0; i < 500; i++)
        {
            var text = new StringBuilder();
            for (var n = random.Next(60); n > 0; n--)
            {
                text.Append((char)random.Next(0x10000));
            }

            Assert.All(LexicalEmbedding.Create(text.ToString(), 16), value => Assert.True(float.IsFinite(value)));
        }
    }
}
