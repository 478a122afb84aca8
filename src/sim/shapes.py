#!/usr/bin/env python3
"""Writes shapes.json: the members and wire names of the EC2, STS and Service Quotas actions that the simulator serves.

The facts come from botocore's service models `ec2/2016-11-15`, `sts/2011-06-15` and `service-quotas/2019-06-24` (Apache-2.0).
Usage: python3 src/sim/shapes.py ACTION... > src/sim/shapes.json, or without arguments for those that shapes.json lists already.

A type is written as
  s text, b boolean, i integer (`i5-1000`: its range), f number, t time, x bytes in base64,
  e:one,two  one of few texts,  [T  list of T,  anything else: a structure of the table `shapes`.
A member is written as `Name|query name|XML name|type`, with `!` before it if it is required.
An empty query name is the XML name with a capital; an empty XML name is the name with a small first letter.
"""
import gzip, json, os, sys
import botocore

HERE = os.path.dirname(os.path.abspath(__file__))
FEW = 40


def model(service, version):
    path = os.path.join(os.path.dirname(botocore.__file__), "data", service, version, "service-2.json")
    if os.path.exists(path):
        return json.load(open(path))
    return json.load(gzip.open(path + ".gz"))


def capital(name):
    return name[0].upper() + name[1:]


def small(name):
    return name[0].lower() + name[1:]


class Table:
    def __init__(self, shapes, prefix=""):
        self.all, self.out, self.asked, self.prefix = shapes, {}, set(), prefix

    def type(self, name, asks):
        shape = self.all[name]
        kind = shape["type"]
        if kind == "list":
            return "[" + self.type(shape["member"]["shape"], asks)
        if kind == "structure":
            self.structure(name, asks)
            return self.prefix + name
        if kind == "string":
            enum = shape.get("enum")
            return "e:" + ",".join(enum) if enum and asks and len(enum) <= FEW else "s"
        if kind in ("integer", "long"):
            low, high = shape.get("min"), shape.get("max")
            return "i" if low is None and high is None else f"i{low or 0}-{high}"
        return {"boolean": "b", "timestamp": "t", "blob": "x", "double": "f", "float": "f"}[kind]

    def structure(self, name, asks):
        if self.prefix + name in self.out and (not asks or name in self.asked):
            return
        if asks:
            self.asked.add(name)
        self.out[self.prefix + name] = members = []
        shape = self.all[name]
        required = set(shape.get("required", []))
        for member, ref in shape["members"].items():
            if ref.get("deprecated") and member in ("SecurityGroupVpcId",):
                continue
            # Only Service Quotas has one, in what it tells of CloudWatch: it is not served.
            if self.all[ref["shape"]]["type"] == "map":
                continue
            xml = ref.get("locationName", member)
            query = ref.get("queryName", capital(xml))
            of = self.type(ref["shape"], asks)
            members.append(
                f"{'!' if member in required else ''}{member}|{'' if query == capital(xml) else query}|{'' if xml == small(member) else xml}|{of}"
            )


def main():
    models = {
        "ec2": model("ec2", "2016-11-15"),
        "sts": model("sts", "2011-06-15"),
        "servicequotas": model("service-quotas", "2019-06-24"),
    }
    actions = sys.argv[1:] or sorted(json.load(open(os.path.join(HERE, "shapes.json")))["actions"])
    prefixes = {"ec2": "", "sts": "Sts", "servicequotas": "Quotas"}
    tables = {service: Table(of["shapes"], prefixes[service]) for service, of in models.items()}
    listed = {}
    for action in sorted(actions):
        service = next(service for service, of in models.items() if action in of["operations"])
        operation = models[service]["operations"][action]
        asked = operation.get("input", {}).get("shape", "")
        answered = operation.get("output", {}).get("shape", "")
        for name, asks in ((asked, True), (answered, False)):
            if name:
                tables[service].structure(name, asks)
        prefix = tables[service].prefix
        listed[action] = [service, asked and prefix + asked, answered and prefix + answered]
    shapes = {name: members for table in tables.values() for name, members in table.out.items()}
    source = f"botocore {botocore.__version__}, ec2/2016-11-15, sts/2011-06-15 and service-quotas/2019-06-24, Apache-2.0; made by shapes.py"
    lines = [f'{{"source":{json.dumps(source)},', '"actions":{']
    lines.append(",\n".join(f"{json.dumps(a)}:{json.dumps(v, separators=(',', ':'))}" for a, v in sorted(listed.items())))
    lines.append('},\n"shapes":{')
    lines.append(",\n".join(f"{json.dumps(n)}:{json.dumps(m, separators=(',', ':'))}" for n, m in sorted(shapes.items())))
    lines.append("}}")
    print("\n".join(lines))


main()
