"""EBS direct: what is written to a snapshot is what is read from it, and nothing else is taken."""

from common import ACCOUNT, ec2, truth
from publishing import BLOCK, PublishingTest, block, checksum, ebs, linear


class Writing(PublishingTest):
    def test_what_a_start_answers(self):
        answer = ebs.start_snapshot(VolumeSize=3, Description="disk", Tags=[{"Key": "k", "Value": "v"}], Timeout=10)
        self.assertEqual((answer["BlockSize"], answer["VolumeSize"], answer["Status"], answer["OwnerId"]),
                         (BLOCK, 3, "pending", ACCOUNT))
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 201)
        shown = ec2.describe_snapshots(SnapshotIds=[answer["SnapshotId"]])["Snapshots"][0]
        self.assertEqual((shown["State"], shown["VolumeSize"], shown["Description"], shown["Tags"], shown["Encrypted"]),
                         ("pending", 3, "disk", [{"Key": "k", "Value": "v"}], False))

    def test_the_same_token_starts_the_same_snapshot(self):
        first = ebs.start_snapshot(VolumeSize=1, ClientToken="t")
        self.assertEqual(ebs.start_snapshot(VolumeSize=1, ClientToken="t")["SnapshotId"], first["SnapshotId"])
        answer = self.refused("ConflictException", ebs.start_snapshot, VolumeSize=2, ClientToken="t")
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 409)
        self.assertNotEqual(ebs.start_snapshot(VolumeSize=1, ClientToken="u")["SnapshotId"], first["SnapshotId"])

    def test_a_whole_disk(self):
        self.hold()
        snapshot = self.start()
        for index, letter in ((7, "b"), (0, "a")):
            answer = self.put(snapshot, index, block(letter), Progress=50)
            self.assertEqual((answer["Checksum"], answer["ChecksumAlgorithm"]), (checksum(block(letter)), "SHA256"))
            self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 201)
        self.put(snapshot, 0, block("c"))  # overwrites
        status = self.complete(snapshot, 2, Checksum=linear(block("c"), block("b")), ChecksumAlgorithm="SHA256",
                               ChecksumAggregationMethod="LINEAR")
        self.assertEqual((status, self.state(snapshot)), ("pending", "pending"))
        self.refused("ValidationException", self.put, snapshot, 1, block("d"), text="not in the pending state")
        self.advance()
        self.assertEqual(self.state(snapshot), "completed")
        self.refused("ValidationException", self.put, snapshot, 1, block("d"))
        self.refused("ValidationException", self.complete, snapshot, 2)
        dumped = truth("GET", "world")["accounts"][ACCOUNT]["us-east-1"]["snapshots"]
        dumped = next(one for one in dumped if one["SnapshotId"] == snapshot)
        self.assertEqual((dumped["Blocks"], dumped["Written"], dumped["Checksum"]),
                         (2, 2, linear(block("c"), block("b"))))

    def test_blocks_that_are_refused(self):
        snapshot, data = self.start(), block("a")
        for reason, index, sent, more in (
                ("INVALID_PARAMETER_VALUE", 0, data, {"Checksum": checksum(b"else")}),
                ("INVALID_PARAMETER_VALUE", 0, data[:-1], {}),
                ("INVALID_PARAMETER_VALUE", 0, data[:512], {"DataLength": 512}),
                ("INVALID_BLOCK", 2048, data, {})):
            answer = self.refused("ValidationException", self.put, snapshot, index, sent, **more)
            self.assertEqual((answer["Reason"], answer["ResponseMetadata"]["HTTPStatusCode"]), (reason, 400))
        answer = self.refused("ResourceNotFoundException", self.put, "snap-0", 0, data,
                              text="The snapshot 'snap-0' does not exist.")
        self.assertEqual((answer["Reason"], answer["ResponseMetadata"]["HTTPStatusCode"]), ("SNAPSHOT_NOT_FOUND", 404))
        self.put(snapshot, 2047, data)

    def test_a_completion_that_does_not_fit_is_refused(self):
        snapshot = self.start()
        self.put(snapshot, 0, block("a"))
        self.refused("ValidationException", self.complete, snapshot, 2)
        self.refused("ValidationException", self.complete, snapshot, 1, Checksum=linear(block("b")),
                     ChecksumAlgorithm="SHA256", ChecksumAggregationMethod="LINEAR")
        self.assertEqual(self.complete(snapshot, 1), "pending")

    def test_a_snapshot_may_not_be_found_right_after_its_start(self):
        truth("POST", "settings", {"snapshot_unseen_seconds": 60})
        self.hold()
        snapshot = self.start()
        self.refused("ResourceNotFoundException", self.put, snapshot, 0, block("a"))
        self.refused("InvalidSnapshot.NotFound", self.state, snapshot)
        self.advance(61)
        self.put(snapshot, 0, block("a"))

    def test_a_snapshot_that_nobody_writes_to_is_cancelled(self):
        snapshot = self.start(Timeout=10)
        self.advance(599)
        self.put(snapshot, 0, block("a"))
        self.advance(599)
        self.assertEqual(self.state(snapshot), "pending")
        self.advance(2)
        self.assertEqual(self.state(snapshot), "error")
        self.refused("ValidationException", self.put, snapshot, 1, block("a"))

    def test_sizes_and_tags_that_are_refused(self):
        for reason, more in (("INVALID_VOLUME_SIZE", {"VolumeSize": 65537}),
                             ("INVALID_TAG", {"VolumeSize": 1, "Tags": [{"Key": "aws:x", "Value": ""}]}),
                             ("INVALID_TAG", {"VolumeSize": 1, "Tags": [{"Key": "x", "Value": "1"}] * 2})):
            answer = self.refused("ValidationException", ebs.start_snapshot, **more)
            self.assertEqual(answer["Reason"], reason)
        self.refused("ValidationException", ebs.start_snapshot, VolumeSize=1, Timeout=4321)


class Parents(PublishingTest):
    def test_a_child_has_its_parents_blocks_and_lives_without_it(self):
        parent = self.published({0: "a", 1: "b", 2: "c"})
        child = self.start(2, ParentSnapshotId=parent)
        self.put(child, 1, block("x"))
        self.put(child, 2, bytes(BLOCK))  # a block that became zero
        self.complete(child, 2)
        ec2.delete_snapshot(SnapshotId=parent)
        self.assertEqual(Reading.contents(self.is_completed(child)),
                         {0: block("a"), 1: block("x"), 2: bytes(BLOCK)})

    def test_parents_that_are_refused(self):
        parent = self.published({0: "a"}, size=2)
        for code, reason, more in (
                ("ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", {"ParentSnapshotId": "snap-0", "VolumeSize": 1}),
                ("ValidationException", "INVALID_VOLUME_SIZE", {"ParentSnapshotId": parent, "VolumeSize": 1}),
                ("ValidationException", "INVALID_PARAMETER_VALUE",
                 {"ParentSnapshotId": parent, "VolumeSize": 2, "Encrypted": True}),
                ("ValidationException", "INVALID_PARAMETER_VALUE",
                 {"ParentSnapshotId": parent, "VolumeSize": 2, "KmsKeyArn": Encryption.KEY}),
                ("ValidationException", "INVALID_SNAPSHOT_ID", {"ParentSnapshotId": self.start(), "VolumeSize": 2})):
            self.assertEqual(self.refused(code, ebs.start_snapshot, **more)["Reason"], reason)


class Reading(PublishingTest):
    @staticmethod
    def contents(snapshot):
        listed = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
        return {one["BlockIndex"]: ebs.get_snapshot_block(
            SnapshotId=snapshot, BlockIndex=one["BlockIndex"], BlockToken=one["BlockToken"])["BlockData"].read()
            for one in listed}

    def test_a_block_with_its_checksum(self):
        snapshot = self.published({3: "a"})
        listed = ebs.list_snapshot_blocks(SnapshotId=snapshot)
        self.assertEqual((listed["BlockSize"], listed["VolumeSize"]), (BLOCK, 1))
        token = listed["Blocks"][0]["BlockToken"]
        answer = ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=3, BlockToken=token)
        self.assertEqual((answer["DataLength"], answer["Checksum"], answer["ChecksumAlgorithm"]),
                         (BLOCK, checksum(block("a")), "SHA256"))
        self.assertEqual(answer["BlockData"].read(), block("a"))
        self.assertEqual(truth("GET", "violations"), [])

    def test_tokens_are_of_one_block_for_seven_days(self):
        snapshot, other = self.published({0: "a", 1: "a"}), self.published({0: "a"})
        token = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"][0]["BlockToken"]
        get = {"SnapshotId": snapshot, "BlockIndex": 0, "BlockToken": token}
        ebs.get_snapshot_block(**get)
        for wrong in ({"BlockIndex": 1}, {"SnapshotId": other}, {"BlockToken": "AAAA"}):
            answer = self.refused("ValidationException", ebs.get_snapshot_block, **{**get, **wrong})
            self.assertEqual(answer["Reason"], "INVALID_BLOCK_TOKEN")
        self.advance(7 * 24 * 3600 + 1)
        self.refused("ValidationException", ebs.get_snapshot_block, **get)

    def test_only_what_is_completed_is_read(self):
        snapshot = self.start()
        self.put(snapshot, 0, block("a"))
        self.refused("ValidationException", ebs.list_snapshot_blocks, SnapshotId=snapshot)
        truth("POST", "settings", {"snapshot_unread_seconds": 30})
        self.complete(snapshot, 1)
        self.is_completed(snapshot)
        self.refused("ResourceNotFoundException", ebs.list_snapshot_blocks, SnapshotId=snapshot)
        self.advance(30)
        self.assertEqual(len(ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]), 1)

    def test_pages(self):
        snapshot = self.start()
        for index in range(250):
            self.put(snapshot, index * 2, block("z" if index % 2 else "y"))
        self.complete(snapshot, 250)
        self.is_completed(snapshot)
        found, more = [], {}
        while True:
            answer = ebs.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=100, StartingBlockIndex=10, **more)
            found.append([one["BlockIndex"] for one in answer["Blocks"]])
            if "NextToken" not in answer:
                break
            more = {"NextToken": answer["NextToken"]}
        self.assertEqual([len(one) for one in found], [100, 100, 45])
        self.assertEqual(sum(found, []), list(range(10, 500, 2)))
        truth("POST", "settings", {"blocks_per_page": 7})  # less than was asked for
        self.assertEqual(len(ebs.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=100)["Blocks"]), 7)
        answer = self.refused("ValidationException", ebs.list_snapshot_blocks, SnapshotId=snapshot, NextToken="AAAA")
        self.assertEqual(answer["Reason"], "INVALID_PAGE_TOKEN")
        self.advance(3601)
        self.refused("ValidationException", ebs.list_snapshot_blocks, SnapshotId=snapshot, **more)

    def test_what_changed_between_two(self):
        first = self.published({0: "a", 1: "b"})
        second = self.published({1: "x", 5: "c"}, ParentSnapshotId=first)
        answer = ebs.list_changed_blocks(FirstSnapshotId=first, SecondSnapshotId=second)
        self.assertEqual([(one["BlockIndex"], "FirstBlockToken" in one) for one in answer["ChangedBlocks"]],
                         [(1, True), (5, False)])
        backwards = ebs.list_changed_blocks(FirstSnapshotId=second, SecondSnapshotId=first)["ChangedBlocks"]
        self.assertEqual([(one["BlockIndex"], "SecondBlockToken" in one) for one in backwards], [(1, True), (5, False)])
        token = answer["ChangedBlocks"][0]["FirstBlockToken"]
        self.assertEqual(ebs.get_snapshot_block(SnapshotId=first, BlockIndex=1, BlockToken=token)["BlockData"].read(),
                         block("b"))
        answer = self.refused("ValidationException", ebs.list_changed_blocks, FirstSnapshotId=self.published({0: "a"}),
                              SecondSnapshotId=second)
        self.assertEqual(answer["Reason"], "UNRELATED_SNAPSHOTS")


class Encryption(PublishingTest):
    KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a"

    def key(self, snapshot):
        return ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0].get("KmsKeyId")

    def test_without_encryption_by_default(self):
        self.assertFalse(ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"])
        self.assertIsNone(self.key(self.start()))
        self.assertIsNone(self.key(self.start(Encrypted=False)))
        self.assertEqual(self.key(self.start(KmsKeyArn=self.KEY)), self.KEY)
        self.refused("ValidationException", ebs.start_snapshot, VolumeSize=1, Encrypted=False, KmsKeyArn=self.KEY)
        under_default = self.key(self.start(Encrypted=True))
        self.assertRegex(under_default, f"^arn:aws:kms:us-east-1:{ACCOUNT}:key/.+")
        child = self.start(ParentSnapshotId=self.published({0: "a"}, KmsKeyArn=self.KEY))
        self.assertEqual(self.key(child), self.KEY)

    def test_with_encryption_by_default(self):
        plain = self.published({0: "a"})
        self.assertEqual(ec2.get_ebs_default_kms_key_id()["KmsKeyId"], "alias/aws/ebs")
        truth("POST", "world", {"ebs": {"encryption_by_default": True, "default_kms_key": self.KEY}})
        self.assertTrue(ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"])
        self.assertEqual(ec2.get_ebs_default_kms_key_id()["KmsKeyId"], self.KEY)
        self.assertEqual(self.key(self.start()), self.KEY)
        self.refused("ValidationException", ebs.start_snapshot, VolumeSize=1, Encrypted=False)
        self.refused("ValidationException", ebs.start_snapshot, VolumeSize=1, ParentSnapshotId=plain)
        ec2.disable_ebs_encryption_by_default()
        self.assertIsNone(self.key(self.start()))


class Wire(PublishingTest):
    def test_data_stay_out_of_the_recorder(self):
        self.put(self.start(), 0, block("a"))
        call = truth("GET", "calls")[-1]
        self.assertEqual((call["service"], call["action"], call["status"]), ("ebs", "PutSnapshotBlock", 201))
        self.assertEqual(call["parameters"]["BlockData"], f"{BLOCK} bytes")

    def test_rules_strike_by_ebss_own_codes(self):
        snapshot = self.start()
        self.rule(kind="throttle", service="ebs", rate=0.1, burst=1)
        self.put(snapshot, 0, block("a"))
        answer = self.refused("RequestThrottledException", self.put, snapshot, 1, block("a"))
        self.assertEqual(answer["Reason"], "ACCOUNT_THROTTLED")
        truth("DELETE", "rules")
        self.rule(kind="error", service="ebs", code="ResourceNotFoundException", reason="SNAPSHOT_NOT_FOUND",
                  status=404, times=1)
        answer = self.refused("ResourceNotFoundException", self.put, snapshot, 1, block("a"))
        self.assertEqual(answer["Reason"], "SNAPSHOT_NOT_FOUND")

    def test_a_reset_forgets_a_large_disk(self):
        self.published({index: chr(97 + index % 26) for index in range(400)})
        truth("POST", "reset")
        self.assertEqual(ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"], [])
