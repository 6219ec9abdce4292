namespace ServiceDefaults.Tests;

public sealed class Uuid5Tests
{
    [Theory]
    [InlineData("www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2")] // RFC 9562, appendix A.4
    [InlineData("python.org", "886313e1-3b8a-5372-9b90-0c9aee199e5d")]
    [InlineData("ownership:11111111-1111-1111-1111-111111111111:char-petty", "b0661928-c300-5257-8113-8c7870fa46e1")]
    public void Names_have_their_known_ids(string name, string id) => Assert.Equal(new Guid(id), Uuid5.Create(Uuid5.Dns, name));

    [Fact]
    public void The_namespace_counts() =>
        Assert.Equal(new Guid("4c565f0d-3f5a-5890-b41b-20cf47701c5e"), Uuid5.Create(Uuid5.Url, "http://python.org/"));

    [Fact]
    public void Long_names_that_are_not_ASCII_work() =>
        Assert.Equal(new Guid("f2e4b549-2b93-53af-ae3a-6011d2e230e4"), Uuid5.Create(Uuid5.Dns, string.Concat(Enumerable.Repeat("사과", 200))));
}
