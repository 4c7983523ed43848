namespace ActorBroker.Log.Tests;

public sealed class IdTests
{
    [Fact]
    public void Topic_ids_have_Kafkas_text_form()
    {
        // Kafka's Uuid.METADATA_TOPIC_ID is (0, 1).
        var metadata = new TopicId(new Guid("00000000-0000-0000-0000-000000000001"));
        Assert.Equal("AAAAAAAAAAAAAAAAAAAAAQ", metadata.ToString());
        Assert.Equal(metadata, TopicId.Parse("AAAAAAAAAAAAAAAAAAAAAQ"));
        Assert.Equal("Cffy9_JoTaW8oe1_LhBwJg", TopicId.Parse("Cffy9_JoTaW8oe1_LhBwJg").ToString());
        Assert.False(TopicId.TryParse("AAAAAAAAAAAAAAAAAAAAA", out _));
        Assert.False(TopicId.TryParse("AAAAAAAAAAAAAAAAAAA+AQ", out _));
        Assert.False(TopicId.TryParse(null, out _));
        Assert.Throws<FormatException>(() => TopicId.Parse("x"));
    }

    [Theory]
    [InlineData("a-b-0", "a-b", 0)]
    [InlineData("t-12", "t", 12)]
    [InlineData("t-01", null, 0)]
    [InlineData("t-", null, 0)]
    [InlineData("-1", null, 0)]
    [InlineData("t--1", "t-", 1)]
    [InlineData("t", null, 0)]
    [InlineData("t-99999999999", null, 0)]
    public void Folder_names_are_topic_and_partition(string text, string? topic, int partition)
    {
        Assert.Equal(topic is not null, TopicPartition.TryParse(text, out var value));
        if (topic is not null)
            Assert.Equal((new TopicPartition(topic, partition), text), (value, value.ToString()));
    }

    [Theory]
    [InlineData("ok.Topic_1-x", TopicNameFault.None)]
    [InlineData("", TopicNameFault.Empty)]
    [InlineData(".", TopicNameFault.Reserved)]
    [InlineData("..", TopicNameFault.Reserved)]
    [InlineData("a b", TopicNameFault.IllegalCharacter)]
    [InlineData("a/b", TopicNameFault.IllegalCharacter)]
    [InlineData("ü", TopicNameFault.IllegalCharacter)]
    public void Topic_names_follow_Kafkas_rules(string name, TopicNameFault fault) => Assert.Equal(fault, TopicName.Check(name));

    [Fact]
    public void The_longest_topic_name_has_249_characters()
    {
        Assert.True(TopicName.IsValid(new string('a', 249)));
        Assert.Equal(TopicNameFault.TooLong, TopicName.Check(new string('a', 250)));
    }

    [Fact]
    public void Names_that_differ_in_dots_or_case_only_collide()
    {
        Assert.True(TopicName.Collides("a.b", "a_b"));
        Assert.True(TopicName.Collides("Orders", "orders"));
        Assert.False(TopicName.Collides("a.b", "a.b"));
        Assert.False(TopicName.Collides("a-b", "a.b"));
    }
}
