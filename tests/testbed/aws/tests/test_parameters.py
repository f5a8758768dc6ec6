"""SSM's Parameter Store: versions, labels, tiers, paths."""

from common import ACCOUNT, StandInTest, client, truth

ssm = client("ssm")
NAME = "/floodway/images/gpu/channels/stable"


class ParametersTest(StandInTest):
    def put(self, value="1", name=NAME, **more):
        if not more.get("Overwrite"):
            more.setdefault("Type", "String")
        return ssm.put_parameter(Name=name, Value=value, **more)

    def get(self, name=NAME):
        return ssm.get_parameter(Name=name)["Parameter"]


class Versions(ParametersTest):
    def test_each_put_makes_one(self):
        self.assertEqual(self.put("a")["Version"], 1)
        self.refused("ParameterAlreadyExists", self.put, "b")
        self.assertEqual(self.put("b", Overwrite=True)["Version"], 2)
        got = self.get()
        self.assertEqual((got["Value"], got["Version"], got["Type"], got["ARN"], got["DataType"]),
                         ("b", 2, "String", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{NAME}", "text"))
        self.assertNotIn("Selector", got)

    def test_by_number_and_by_label(self):
        for value in "abc":
            self.put(value, Overwrite=True, Type="String")
        ssm.label_parameter_version(Name=NAME, ParameterVersion=2, Labels=["good"])
        self.assertEqual([self.get(f"{NAME}:{one}")["Value"] for one in ("1", "good", "3")], ["a", "b", "c"])
        self.assertEqual(self.get(f"{NAME}:good")["Selector"], ":good")
        self.refused("ParameterVersionNotFound", self.get, f"{NAME}:4",
                     text=f"Systems Manager could not find version 4 of {NAME}. Verify the version and try again.")
        self.refused("ParameterVersionNotFound", self.get, f"{NAME}:bad")
        self.refused("ParameterNotFound", self.get, "/none:1")
        self.assertEqual(self.get(self.get()["ARN"] + ":1")["Value"], "a")
        found = ssm.get_parameters(Names=[f"{NAME}:good", f"{NAME}:9", "/none"])
        self.assertEqual([one["Value"] for one in found["Parameters"]], ["b"])
        self.assertEqual(found["InvalidParameters"], ["/floodway/images/gpu/channels/stable:9", "/none"])

    def test_the_hundred_and_first_takes_the_place_of_the_oldest(self):
        self.put("0")
        ssm.label_parameter_version(Name=NAME, Labels=["first"])
        for number in range(99):
            self.put(str(number), Overwrite=True)
        self.refused("ParameterMaxVersionLimitExceeded", self.put, "x", Overwrite=True,
                     text="Version 1, the oldest version, can't be deleted because it has a label associated with it.")
        ssm.label_parameter_version(Name=NAME, ParameterVersion=50, Labels=["first"])
        self.assertEqual(self.put("x", Overwrite=True)["Version"], 101)
        self.refused("ParameterVersionNotFound", self.get, f"{NAME}:1")
        self.assertEqual(self.get(f"{NAME}:first")["Version"], 50)

    def test_history_says_who_and_when(self):
        who = f"arn:aws:iam::{ACCOUNT}:user/ada"
        truth("POST", "world", {"keys": {"AKIAADA": {"account": ACCOUNT, "arn": who}}})
        self.put("0", Description="d")
        for number in range(1, 60):
            client("ssm", key="AKIAADA").put_parameter(Name=NAME, Value=str(number), Overwrite=True)
        ssm.label_parameter_version(Name=NAME, ParameterVersion=2, Labels=["b"])
        pages = list(ssm.get_paginator("get_parameter_history").paginate(Name=NAME))
        self.assertEqual([len(page["Parameters"]) for page in pages], [50, 10])
        told = sum((page["Parameters"] for page in pages), [])
        self.assertEqual([one["Version"] for one in told], list(range(1, 61)))
        self.assertEqual((told[1]["LastModifiedUser"], told[1]["Labels"], told[1]["Value"], told[1]["Tier"]),
                         (who, ["b"], "1", "Standard"))
        self.assertLessEqual(told[0]["LastModifiedDate"], told[-1]["LastModifiedDate"])
        self.refused("ValidationException", ssm.get_parameter_history, Name=NAME, MaxResults=51)
        self.refused("ParameterNotFound", ssm.get_parameter_history, Name="/none")

    def test_labels(self):
        self.put("a")
        self.put("b", Overwrite=True)
        answer = ssm.label_parameter_version(Name=NAME, Labels=["x", "1x", "aws-x"])
        self.assertEqual((answer["ParameterVersion"], answer["InvalidLabels"]), (2, ["1x", "aws-x"]))
        self.refused("ParameterVersionNotFound", ssm.label_parameter_version, Name=NAME, ParameterVersion=3,
                     Labels=["y"])
        ssm.label_parameter_version(Name=NAME, Labels=[f"l{number}" for number in range(9)])
        self.refused("ParameterVersionLabelLimitExceeded", ssm.label_parameter_version, Name=NAME, Labels=["y"])
        ssm.label_parameter_version(Name=NAME, ParameterVersion=1, Labels=["x"])  # it moves
        self.assertEqual(self.get(f"{NAME}:x")["Version"], 1)
        answer = ssm.unlabel_parameter_version(Name=NAME, ParameterVersion=1, Labels=["x", "z"])
        self.assertEqual((answer["RemovedLabels"], answer["InvalidLabels"]), (["x"], ["z"]))
        self.refused("ParameterVersionNotFound", self.get, f"{NAME}:x")


class Putting(ParametersTest):
    def test_tiers(self):
        self.assertEqual(self.put("x" * 4096)["Tier"], "Standard")
        self.refused("ValidationException", self.put, "x" * 4097, Overwrite=True, text="4096")
        self.refused("ValidationException", self.put, "ü" * 2049, Overwrite=True)
        tier = {"Overwrite": True, "Tier": "Intelligent-Tiering"}
        self.assertEqual(self.put("x" * 4096, **tier)["Tier"], "Standard")
        self.assertEqual(self.put("x" * 8192, **tier)["Tier"], "Advanced")
        self.refused("ValidationException", self.put, "x" * 8193, **tier, text="8192")
        self.assertEqual(self.put("x", **tier)["Tier"], "Advanced")  # never back
        self.refused("ValidationException", self.put, "x", Overwrite=True, Tier="Standard", text="downgrade")
        self.assertEqual(self.put("x", Overwrite=True)["Tier"], "Advanced")
        self.assertEqual(self.put("x", "/a", Tier="Advanced")["Tier"], "Advanced")
        self.refused("ValidationException", self.put, "{}", "/json", DataType="json")
        self.assertEqual(self.put("{}", "/json", DataType="json", Tier="Intelligent-Tiering")["Tier"], "Advanced")

    def test_names_that_are_refused(self):
        for name, code in (("a b", "ValidationException"), ("a/b", "ValidationException"),
                           ("/aws/x", "AccessDeniedException"), ("ssm-x", "ValidationException"),
                           ("/a" * 16, "HierarchyLevelLimitExceededException")):
            self.refused(code, self.put, "1", name)

    def test_values_and_types_that_are_refused(self):
        self.refused("ValidationException", ssm.put_parameter, Name=NAME, Value="1",
                     text="A parameter type is required")
        self.refused("ValidationException", self.put, "")
        self.refused("ValidationException", self.put, '{"a": "{{ssm:/b}}"}', text="nest another parameter")
        self.put('{"images": {"uefi": {"id": "ami-1"}}}')
        self.refused("HierarchyTypeMismatchException", self.put, "1", Type="StringList", Overwrite=True)
        self.refused("ValidationException", self.put, "1", Overwrite=True, Tags=[{"Key": "k", "Value": "v"}])
        self.put("10", "/number", AllowedPattern=r"^\d+$")
        self.refused("ParameterPatternMismatchException", self.put, "x", "/number", Overwrite=True)

    def test_a_secret_is_told_to_those_who_decrypt(self):
        self.put("secret", Type="SecureString")
        self.assertNotEqual(self.get()["Value"], "secret")
        self.assertEqual(ssm.get_parameter(Name=NAME, WithDecryption=True)["Parameter"]["Value"], "secret")


class Listing(ParametersTest):
    def setUp(self):
        super().setUp()
        for name in ("/a/x", "/a/y", "/a/b/z", "/ab"):
            self.put(name, name)

    def below(self, path, **more):
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, **more)
        return [one["Name"] for page in pages for one in page["Parameters"]]

    def test_by_path(self):
        self.assertEqual(self.below("/a"), ["/a/x", "/a/y"])
        self.assertEqual(self.below("/a/", Recursive=True), ["/a/b/z", "/a/x", "/a/y"])
        self.assertEqual(self.below("/", Recursive=True), ["/a/b/z", "/a/x", "/a/y", "/ab"])
        self.assertEqual(self.below("/", Recursive=True, PaginationConfig={"PageSize": 2}),
                         ["/a/b/z", "/a/x", "/a/y", "/ab"])
        self.assertEqual(self.below("/none"), [])
        self.refused("ValidationException", self.below, "a")
        self.refused("ValidationException", ssm.get_parameters_by_path, Path="/a", MaxResults=11)

    def test_by_path_and_label(self):
        self.put("new", "/a/x", Overwrite=True)
        ssm.label_parameter_version(Name="/a/x", ParameterVersion=1, Labels=["good"])
        filters = [{"Key": "Label", "Values": ["good"]}]
        found = ssm.get_parameters_by_path(Path="/a", ParameterFilters=filters)["Parameters"]
        self.assertEqual([(one["Name"], one["Value"]) for one in found], [("/a/x", "/a/x")])
        self.refused("InvalidFilterKey", ssm.get_parameters_by_path, Path="/a",
                     ParameterFilters=[{"Key": "Name", "Values": ["x"]}])

    def test_described(self):
        def names(**one):
            return [held["Name"] for held in ssm.describe_parameters(ParameterFilters=[one])["Parameters"]]

        self.assertEqual(names(Key="Name", Option="BeginsWith", Values=["/a/"]), ["/a/b/z", "/a/x", "/a/y"])
        self.assertEqual(names(Key="Name", Option="Contains", Values=["b"]), ["/a/b/z", "/ab"])
        self.assertEqual(names(Key="Name", Values=["/ab"]), ["/ab"])
        self.assertEqual(names(Key="Path", Values=["/a"]), ["/a/x", "/a/y"])
        self.assertEqual(names(Key="Path", Option="Recursive", Values=["/a"]), ["/a/b/z", "/a/x", "/a/y"])
        self.refused("InvalidFilterKey", names, Key="Label", Values=["x"])
        self.put("1", "/tagged", Tags=[{"Key": "k", "Value": "v"}])
        self.assertEqual(names(Key="tag:k", Values=["v"]), ["/tagged"])
        self.assertEqual(truth("GET", "violations"), [])

    def test_deleted(self):
        ssm.delete_parameter(Name="/ab")
        self.refused("ParameterNotFound", ssm.delete_parameter, Name="/ab")
        answer = ssm.delete_parameters(Names=["/a/x", "/none"])
        self.assertEqual((answer["DeletedParameters"], answer["InvalidParameters"]), (["/a/x"], ["/none"]))
        self.assertEqual(self.below("/", Recursive=True), ["/a/b/z", "/a/y"])
        self.assertEqual(self.put("again", "/ab")["Version"], 1)

    def test_seeds_are_in_the_same_store(self):
        truth("POST", "world", {"parameters": {"/a/x": "seeded"}})
        self.assertEqual((self.get("/a/x")["Value"], self.get("/a/x")["Version"]), ("seeded", 2))
        ssm.label_parameter_version(Name="/a/x", ParameterVersion=1, Labels=["old"])
        dumped = truth("GET", "world")["accounts"][ACCOUNT]["us-east-1"]["parameters"]["/a/x"]
        self.assertEqual((dumped["Value"], dumped["Version"], dumped["Type"], dumped["Tier"], dumped["Labels"]),
                         ("seeded", 2, "String", "Standard", {"old": 1}))

    def test_a_launch_resolves_versions_and_labels(self):
        self.put("ami-00000000000000001", "/node")
        self.put("ami-00000000000000002", "/node", Overwrite=True)
        ssm.label_parameter_version(Name="/node", ParameterVersion=1, Labels=["good"])
        for group, selector in (("one", "1"), ("good", "good")):
            self.template(group, ImageId=f"resolve:ssm:/node:{selector}", InstanceType="g5.xlarge")
            self.group(group, desired=1, LaunchTemplate={"LaunchTemplateName": group})
            self.serving(1, group)
            self.assertEqual(self.dumped(group)["instances"][0]["image"], "ami-00000000000000001")
